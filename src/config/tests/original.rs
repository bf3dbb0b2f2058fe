//! What a configuration was made from makes the same configuration again, whatever has become of the disk.

use std::fs;

use crate::config::{Config, Original};

#[test]
fn the_same_configuration_comes_back_when_the_files_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vipd.yaml");
    fs::write(folder.path().join("secret"), "hunter2\n").unwrap();
    fs::write(
        &file,
        "virtual_routers: [{ name: db, interface: eth0, vrid: 51, addresses: [10.77.0.100], version: 2, \
         advertisement_interval: 1s, password_file: secret }]",
    )
    .unwrap();
    let loaded = Config::load(&file).unwrap();
    let kept = serde_json::to_vec(&loaded.original).unwrap();
    drop(folder);

    let again = serde_json::from_slice::<Original>(&kept).unwrap().parse().unwrap();

    assert_eq!(again.config, loaded.config);
    assert_eq!(again.original, loaded.original);
    assert!(!format!("{again:?}").contains("hunter2"));
}
