//! YAML to a validated [`Config`], with every error of a file at once.

mod model;

pub use model::*;
