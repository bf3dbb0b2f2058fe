//! vipd: keeps a virtual IP on exactly one of a pair of hosts.
//!
//! Imports go one way only (A -> B: A may use B): `election -> packet`; `config -> packet, election`; `health -> config`;
//! `net -> packet`; `dataplane -> net`; `engine -> election, net, dataplane`; `guardian -> net`;
//! `control -> engine, election, config`; `drill -> net, config, control`. Only `cli` and `main` see all.

pub mod cli;
pub mod config;
pub mod control;
pub mod dataplane;
pub mod drill;
pub mod election;
pub mod engine;
pub mod guardian;
pub mod net;
