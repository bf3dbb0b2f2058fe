//! vipd: keeps a virtual IP on exactly one of a pair of hosts.
//!
//! Imports go one way only (A -> B: A may use B): `election -> packet`; `config -> packet, election`; `health -> config`;
//! `net -> packet`; `dataplane -> net`; `engine -> election, net, dataplane`; `guardian -> net`;
//! `control -> engine, election, config, net`; `drill -> net, config, control`; `agent` wires the running process
//! together and sees all but `cli` and `drill`. Only `cli`, `main` and `fuzzing` see everything.

pub mod agent;
pub mod cli;
pub mod config;
pub mod control;
pub mod dataplane;
pub mod drill;
pub mod election;
pub mod engine;
#[doc(hidden)]
pub mod fuzzing;
pub mod guardian;
pub mod logging;
pub mod net;
