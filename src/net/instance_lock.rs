//! One agent per network namespace (ownership rule 15).

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Abstract names belong to a network namespace, as the addresses do that this guards.
const NAME: &[u8] = b"vipd/instance";

/// Keeps every other agent out of the network namespace until it is dropped; the kernel drops it when the process dies.
#[derive(Debug)]
pub struct InstanceLock(
    #[expect(dead_code, reason = "held, never read: the name is free once it is closed")] UnixDatagram,
);

/// Says why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody has it.
    #[error("another vipd already runs in this network namespace")]
    Held,
    /// The kernel refused.
    #[error("cannot take the lock on this network namespace: {0}")]
    Kernel(#[from] io::Error),
}

impl InstanceLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// [`LockError::Held`] where another process of this network namespace has it.
    pub fn acquire() -> Result<Self, LockError> {
        let name = SocketAddr::from_abstract_name(NAME)?;
        match UnixDatagram::bind_addr(&name) {
            Ok(socket) => Ok(Self(socket)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(LockError::Held),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;
    use crate::net::testing::in_namespace;

    #[test]
    fn a_second_agent_is_kept_out_until_the_first_has_gone() {
        in_namespace(|| {
            let first = InstanceLock::acquire().unwrap();
            assert!(matches!(InstanceLock::acquire(), Err(LockError::Held)));

            drop(first);

            assert!(InstanceLock::acquire().is_ok());
        });
    }

    #[test]
    fn another_network_namespace_has_a_lock_of_its_own() {
        in_namespace(|| {
            let _first = InstanceLock::acquire().unwrap();

            assert!(in_namespace(|| InstanceLock::acquire().is_ok()));
        });
    }
}
