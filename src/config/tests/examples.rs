//! The files that a user starts from.

use super::*;

macro_rules! examples {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../examples/", $name)))),*]
    };
}

/// Every file of `examples/`: its name and text.
pub(super) const EXAMPLES: [(&str, &str); 8] = examples![
    "active-active.yaml",
    "authenticated.yaml",
    "ipv6.yaml",
    "pair-b.yaml",
    "pair.yaml",
    "three-nodes.yaml",
    "unicast-cloud.yaml",
    "version2-password.yaml",
];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Copies the examples, and adds the key that one of them asks for: a repository cannot carry a file for its owner alone.
fn copied() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    let key = copy.path().join("orders.key");
    std::fs::write(&key, format!("hex:{}\n", "5a".repeat(32))).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    copy
}

#[test]
fn every_example_is_accepted_without_a_warning() {
    let folder = copied();
    for (name, _) in EXAMPLES {
        match Config::load(&folder.path().join(name)) {
            Ok(loaded) => assert!(loaded.warnings.is_empty(), "{}", loaded.warnings),
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn no_example_is_forgotten() {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut yaml: Vec<_> = files.filter(|name| name.ends_with(".yaml")).collect();
    yaml.sort();
    assert_eq!(yaml, EXAMPLES.map(|(name, _)| name.to_owned()));
}

#[test]
fn the_two_files_of_the_pair_differ_in_priority_only() {
    let load = |name: &str| Config::load(&folder().join(name)).unwrap().config;
    let (a, mut b) = (load("pair.yaml"), load("pair-b.yaml"));
    assert_ne!(a.virtual_routers[0].priority, b.virtual_routers[0].priority);
    b.virtual_routers[0].priority = a.virtual_routers[0].priority;
    assert_eq!(a, b);
}
