//! `vipd check`.

use std::fs;

use crate::run::said;

fn checked(yaml: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("vipd.yaml");
    fs::write(&file, yaml).unwrap();
    said(&["check", file.to_str().unwrap()]).replace(directory.path().to_str().unwrap(), "DIRECTORY")
}

#[test]
fn every_error_is_shown_with_its_line() {
    insta::assert_snapshot!(checked(
        "virtual_routers:\n  - name: orders-db\n    interface: lo\n    vrid: 0\n    prioritty: 200\n    \
         addresses: [10.77.0.100/24]\n    advertisement_interval: 1\n"
    ));
}

#[test]
fn a_sound_configuration_is_put_in_words() {
    insta::assert_snapshot!(checked(
        "virtual_routers:\n  - { name: orders-db, interface: lo, vrid: 51, priority: 200, addresses: [10.77.0.100/24] }\n"
    ));
}

#[test]
fn what_cannot_work_on_this_host_is_a_bad_configuration() {
    insta::assert_snapshot!(checked(
        "virtual_routers:\n  - { name: orders-db, interface: lo, vrid: 51, priority: 255, addresses: [10.77.0.100/24] }\n"
    ));
}

#[test]
fn a_file_that_is_not_there_is_said() {
    insta::assert_snapshot!(said(&["check", "/nonexistent/vipd.yaml"]));
}
