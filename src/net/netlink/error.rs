//! What can go wrong between us and the kernel.

use core::fmt;
use std::io;

use nix::errno::Errno;

/// Says why a request had no effect, or why its effect is unknown.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The kernel refused.
    #[error("{doing}: {refusal}")]
    Refused {
        /// What was asked, such as `add address 10.0.0.1/24 to interface 3`.
        doing: String,
        /// The kernel's reason.
        refusal: Refusal,
    },
    /// The kernel did not answer; it may still do what was asked.
    #[error("netlink: no answer from the kernel within 2 s")]
    TimedOut,
    /// The socket failed; the kernel may still have done what was asked.
    #[error("netlink socket: {0}")]
    Socket(#[source] io::Error),
}

impl NetlinkError {
    /// Returns the kernel's refusal, where it gave one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            Self::TimedOut | Self::Socket(_) => None,
        }
    }

    /// Tells whether the thing that was to be made is already there.
    pub fn is_exists(&self) -> bool {
        self.refusal().is_some_and(Refusal::is_exists)
    }

    /// Tells whether the thing that was to be changed or removed is not there.
    pub fn is_not_found(&self) -> bool {
        self.refusal().is_some_and(Refusal::is_not_found)
    }
}

/// Holds the kernel's reason: an error number and, from most parts of it, a sentence (`NETLINK_EXT_ACK`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The error number.
    pub errno: Errno,
    /// The sentence.
    pub text: Option<String>,
}

impl Refusal {
    /// Tells whether the thing that was to be made is already there.
    pub fn is_exists(&self) -> bool {
        self.errno == Errno::EEXIST
    }

    /// Tells whether the address, interface or route is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self.errno, Errno::EADDRNOTAVAIL | Errno::ENODEV | Errno::ENOENT | Errno::ESRCH)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.errno.desc(), self.errno)?;
        match &self.text {
            Some(text) => write!(f, ": {text}"),
            None => Ok(()),
        }
    }
}
