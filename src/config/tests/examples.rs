//! The files that a user starts from.

use super::*;

macro_rules! examples {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../examples/", $name)))),*]
    };
}

/// Every file of `examples/`: its name and text.
pub(super) const EXAMPLES: [(&str, &str); 7] = examples![
    "active-active.yaml",
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

#[test]
fn every_example_is_accepted_without_a_warning() {
    for (name, _) in EXAMPLES {
        match Config::load(&folder().join(name)) {
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
