//! Sockets, netlink, clocks and namespaces: the only place that talks to the kernel directly, and the only one with `unsafe`.
#![allow(unsafe_code)]

mod clock;
mod wake;

pub use clock::boot_nanos;
pub use wake::Wake;
