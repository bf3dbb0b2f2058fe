#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use nix::sys::prctl::set_dumpable;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, setgid, setgroups, setuid};

use super::*;
use crate::net::{Netlink, link};

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

/// Becomes an ordinary user and tries to make a namespace with a bridge in it.
fn make_a_lab_as_nobody() -> Result<(), Box<dyn std::error::Error>> {
    let nobody = 65534;
    setgroups(&[])?;
    setgid(nobody.into())?;
    setuid(nobody.into())?;
    // The kernel hides /proc/self from a process that has changed its user.
    set_dumpable(true)?;
    become_root_in_user_namespace()?;
    let namespace = Namespace::new()?;
    let mut netlink = Netlink::open_in(&namespace)?;
    link::create_bridge(&mut netlink, "br0")?;
    Ok(())
}

#[test]
fn an_ordinary_user_becomes_root_in_a_user_namespace() {
    // SAFETY: the child only makes system calls, allocates (which glibc allows after a fork), and ends with `_exit`.
    match unsafe { fork() }.unwrap() {
        ForkResult::Parent { child } => assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0)),
        ForkResult::Child => {
            let outcome = make_a_lab_as_nobody();
            if let Err(error) = &outcome {
                eprintln!("{error}");
            }
            // SAFETY: ends the process without running anything of the parent's.
            unsafe { libc::_exit(outcome.map_or(1, |()| 0)) }
        }
    }
}
