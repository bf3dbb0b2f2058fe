//! The address thread: adds, renews, announces and removes virtual addresses, and tells what becomes of interfaces.
//!
//! It may wait for the kernel without silencing advertisements, which is why it is a thread of its own. It decides
//! nothing about who is Active: it carries out orders, and gives addresses up by itself only where holding on to them
//! could put them on two hosts. It logs nothing; what people should know leaves it as a [`Report`].

mod aftermath;
mod announcer;
mod claiming;
mod claims;
mod following;
mod handle;
mod host;
mod installing;
mod kernel;
pub mod lease;
mod leftovers;
mod message;
mod oversight;
mod permission;
mod plan;
#[cfg(test)]
mod tests;
mod thread;

pub use aftermath::{remove_all, survey};
pub use handle::{DataplaneHandle, Full, start};
pub use message::{Answer, InterfaceState, Order, Place, Report, ReportEvent};
pub use oversight::Oversight;
pub use plan::{Announce, Plan, PlannedAddress, Scope, Settings};
