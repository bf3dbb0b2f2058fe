//! Which capabilities the process holds. Taking them away is not done here.

use caps::CapSet;

pub use caps::Capability;

/// Lists what `vipd run` cannot work without: addresses and raw sockets.
pub const REQUIRED: [Capability; 2] = [Capability::CAP_NET_ADMIN, Capability::CAP_NET_RAW];
/// Lists what makes it more exact: realtime scheduling and locked memory.
pub const OPTIONAL: [Capability; 2] = [Capability::CAP_SYS_NICE, Capability::CAP_IPC_LOCK];

/// Returns which of these capabilities the calling thread cannot use; their `Display` is the name, as `CAP_NET_RAW`.
pub fn missing(wanted: &[Capability]) -> Vec<Capability> {
    // A kernel that does not even answer has not granted anything.
    wanted.iter().copied().filter(|&it| !caps::has_cap(None, CapSet::Effective, it).unwrap_or(false)).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn what_the_thread_has_dropped_is_missing_by_name() {
        let observed = std::thread::spawn(|| {
            let before = missing(&REQUIRED);
            assert!(before.is_empty(), "this test drops a capability and needs {before:?} first: run it as root");
            caps::drop(None, CapSet::Effective, Capability::CAP_NET_RAW).unwrap();
            missing(&REQUIRED)
        });

        let missing = observed.join().unwrap();

        assert_eq!(missing, [Capability::CAP_NET_RAW]);
        assert_eq!(missing[0].to_string(), "CAP_NET_RAW");
    }
}
