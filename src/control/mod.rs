//! The control socket: HTTP and JSON over a Unix socket, both ends.
//!
//! The server reads snapshots and queues commands; it never touches a router, a packet socket or an address.

mod authentication;
mod client;
mod connections;
mod permission;
mod request;

mod server;
mod socket;
mod status;

pub use authentication::{AntiReplay, Authentication, Mode, PeerClock};
pub use client::{Client, ClientError};
pub use request::{
    Changed, DrainRequest, Problem, Reason, ReloadChange, ReloadRequest, Reloaded, ResumeRequest, RouterReload,
    SettingChange,
};
pub use server::{Context, ReloadJob, serve};
pub use socket::{BindError, ControlSocket};
pub use status::{ActiveRouter, Agent, Drain, Fault, RouterStatus, State, Status, Traffic};
