//! Which capabilities the process holds, and how it gives up those that it does not need.
//!
//! Capabilities and `no_new_privs` belong to a thread; a thread begins with those of the one that started it. So they
//! are given up before other threads start, or by each thread itself.

use std::io;

use caps::errors::CapsError;
use caps::{CapSet, CapsHashSet};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::unistd::{Gid, Group, getegid, getgroups, setgroups};

pub use caps::Capability;

use super::realtime;

/// Lists what `vipd run` cannot work without: addresses and raw sockets.
pub const REQUIRED: [Capability; 2] = [Capability::CAP_NET_ADMIN, Capability::CAP_NET_RAW];
/// Lists what makes it more exact: realtime scheduling and locked memory.
pub const OPTIONAL: [Capability; 2] = [Capability::CAP_SYS_NICE, Capability::CAP_IPC_LOCK];

/// The greatest realtime priority.
const HIGHEST: u64 = 99;

/// Returns which of these capabilities the calling thread cannot use; their `Display` is the name, as `CAP_NET_RAW`.
pub fn missing(wanted: &[Capability]) -> Vec<Capability> {
    // A kernel that does not even answer has not granted anything.
    wanted.iter().copied().filter(|&it| !caps::has_cap(None, CapSet::Effective, it).unwrap_or(false)).collect()
}

/// Gives up, for the calling thread and all that it starts, everything but what vipd works with.
///
/// Where resource limits can be lifted, they take the place of [`OPTIONAL`]. Otherwise these stay, since every agent
/// that is started again needs them.
///
/// # Errors
/// What the kernel says; some of it may be given up by then.
pub fn restrict() -> io::Result<()> {
    realtime::lift_limits();
    let kept = kept(&[REQUIRED.as_slice(), &still_needed()].concat())?;
    // Without CAP_SETPCAP the bounding set stays as it is; no_new_privs makes it mean nothing.
    for capability in caps::all().into_iter().filter(|it| !kept.contains(it)) {
        let _ = caps::drop(None, CapSet::Bounding, capability);
    }
    hold(&kept)?;
    Ok(nix::sys::prctl::set_no_new_privs()?)
}

/// Returns the number of a group, where the host knows one of that name.
///
/// # Errors
/// What the system says where the list of groups cannot be read.
pub fn group(name: &str) -> io::Result<Option<u32>> {
    Ok(Group::from_name(name)?.map(|group| group.gid.as_raw()))
}

/// Makes the process a member of a group, so that it may give its files to it. The process must have one thread only.
///
/// # Errors
/// `PermissionDenied` without CAP_SETGID, where it is none yet.
pub fn join_group(number: u32) -> io::Result<()> {
    let mut groups = getgroups()?;
    let number = Gid::from_raw(number);
    if getegid() == number || groups.contains(&number) {
        return Ok(());
    }
    groups.push(number);
    Ok(setgroups(&groups)?)
}

/// Gives up what a thread needed only until it was set up: the right to become realtime.
///
/// # Errors
/// What the kernel says.
pub fn settle() -> io::Result<()> {
    let memory = still_needed().into_iter().filter(|it| *it == Capability::CAP_IPC_LOCK);
    hold(&kept(&REQUIRED.into_iter().chain(memory).collect::<Vec<_>>())?)
}

/// Returns the optional capabilities for which no resource limit stands in.
fn still_needed() -> Vec<Capability> {
    let below = |resource, wanted| getrlimit(resource).is_ok_and(|(soft, _)| soft != RLIM_INFINITY && soft < wanted);
    let needed = [
        (Capability::CAP_SYS_NICE, below(Resource::RLIMIT_RTPRIO, HIGHEST)),
        // With memory locked, every allocation beyond the limit would fail.
        (Capability::CAP_IPC_LOCK, below(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY)),
    ];
    needed.into_iter().filter_map(|(capability, needed)| needed.then_some(capability)).collect()
}

/// Returns which of these the thread has at all.
fn kept(wanted: &[Capability]) -> io::Result<CapsHashSet> {
    let permitted = caps::read(None, CapSet::Permitted).map_err(failed)?;
    Ok(wanted.iter().copied().filter(|it| permitted.contains(it)).collect())
}

/// Holds exactly these, and passes on to programs what it passed on so far.
fn hold(kept: &CapsHashSet) -> io::Result<()> {
    let ambient = caps::read(None, CapSet::Ambient).map_err(failed)?;
    let inheritable = caps::read(None, CapSet::Inheritable).map_err(failed)?;
    let both = |set: CapsHashSet| -> CapsHashSet { set.intersection(kept).copied().collect() };
    caps::set(None, CapSet::Ambient, &both(ambient)).map_err(failed)?;
    caps::set(None, CapSet::Inheritable, &both(inheritable)).map_err(failed)?;
    caps::set(None, CapSet::Effective, kept).map_err(failed)?;
    caps::set(None, CapSet::Permitted, kept).map_err(failed)
}

fn failed(error: CapsError) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::thread;

    use super::*;

    fn require_root() {
        let before = missing(&REQUIRED);
        assert!(before.is_empty(), "this test gives up capabilities and needs {before:?} first: run it as root");
    }

    #[test]
    fn what_the_thread_has_dropped_is_missing_by_name() {
        require_root();
        let observed = thread::spawn(|| {
            caps::drop(None, CapSet::Effective, Capability::CAP_NET_RAW).unwrap();
            missing(&REQUIRED)
        });

        let missing = observed.join().unwrap();

        assert_eq!(missing, [Capability::CAP_NET_RAW]);
        assert_eq!(missing[0].to_string(), "CAP_NET_RAW");
    }

    #[test]
    fn a_settled_thread_and_those_that_it_starts_have_what_vipd_works_with_and_cannot_get_more() {
        require_root();
        let observed = thread::spawn(|| {
            settle().unwrap();
            assert!(caps::raise(None, CapSet::Effective, Capability::CAP_SYS_ADMIN).is_err());
            thread::spawn(|| caps::read(None, CapSet::Permitted).unwrap()).join().unwrap()
        });

        let mut held: Vec<_> = observed.join().unwrap().into_iter().collect();

        held.retain(|it| *it != Capability::CAP_IPC_LOCK);
        held.sort_by_key(Capability::index);
        assert_eq!(held, REQUIRED);
    }
}
