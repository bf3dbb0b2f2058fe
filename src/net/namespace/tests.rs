#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use super::*;

fn inode(namespace: &Namespace) -> u64 {
    namespace.0.metadata().unwrap().ino()
}

fn make() -> Namespace {
    Namespace::new().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_closure_runs_inside_and_the_caller_stays_outside() {
    let namespace = make();
    let outside = inode(&Namespace::current().unwrap());

    let inside = namespace.enter(|| inode(&Namespace::current().unwrap())).unwrap();

    assert_eq!(inside, inode(&namespace));
    assert_ne!(inside, outside);
    assert_eq!(inode(&Namespace::current().unwrap()), outside);
}

#[test]
fn a_thread_and_a_process_start_inside() {
    let namespace = make();
    let thread = namespace.spawn_thread("inside", || inode(&Namespace::current().unwrap())).unwrap();
    let mut command = Command::new("readlink");
    command.arg("/proc/self/ns/net").stdout(Stdio::piped());

    let output = namespace.spawn(command).unwrap().wait_with_output().unwrap();

    assert_eq!(thread.join().unwrap().unwrap(), inode(&namespace));
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), format!("net:[{}]", inode(&namespace)));
}
