//! YAML to a validated [`Config`], with every error of a file at once.
//!
//! [`Config::load`] never touches the host: what depends on it is [`check_host`], which is given the facts. The text
//! goes through a tree that keeps places (`tree`), typed readers (`read`, `virtual_router`), checks (`semantic`,
//! `between`) and becomes the types of `model`.

mod address;
mod authentication;
mod between;
mod describe;
mod diagnostics;
mod diff;
mod draft;
mod duration;
mod file;
mod host;
mod key_file;
mod later;
mod model;
mod password;
mod places;
mod read;
mod router_setting;
mod semantic;
mod source;
mod timing;
mod tree;
mod virtual_router;
mod words;

#[cfg(test)]
mod tests;

pub use describe::describe;
pub use diagnostics::{Diagnostic, Mark, Report, Severity, Span};
pub use diff::{Difference, NodeChange, RouterChange};
pub use duration::{DurationError, parse as parse_duration};
pub use file::{DEFAULT_SOCKET, LoadError, Loaded};
pub use host::{HostAddress, HostFacts, Interface, check_host};
pub use model::*;
pub use router_setting::{Effect, RouterSetting};
pub use source::Original;

/// Names the top of the file in messages.
const FILE: &str = "the file";
/// Names an entry of `virtual_routers` in messages.
const ROUTER: &str = "a virtual router";
