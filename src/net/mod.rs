//! Sockets, netlink, clocks and namespaces: the only place that talks to the kernel directly, and the only one with `unsafe`.
#![allow(unsafe_code)]

mod clock;
pub mod link;
pub mod namespace;
pub mod netlink;
mod wake;

pub use clock::boot_nanos;
pub use namespace::Namespace;
pub use netlink::Netlink;
pub use wake::Wake;
