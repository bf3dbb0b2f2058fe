//! What is asked of the agent and how it answers.

use serde::{Deserialize, Serialize};

/// Asks to give the role away and stay out: the body of `POST /v1/drain`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Default, Debug)]
#[serde(deny_unknown_fields)]
pub struct DrainRequest {
    /// The router's name; `null` or absent: all.
    #[serde(default)]
    pub router: Option<String>,
    /// Whether the role is given away even if nobody takes it.
    #[serde(default)]
    pub force: bool,
}

/// Asks to take part again: the body of `POST /v1/resume`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Default, Debug)]
#[serde(deny_unknown_fields)]
pub struct ResumeRequest {
    /// The router's name; `null` or absent: all.
    #[serde(default)]
    pub router: Option<String>,
}

/// Answers a request that was carried out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Changed {
    /// The routers that it was carried out on.
    pub routers: Vec<String>,
}

/// Answers a request that was not carried out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Problem {
    /// What failed on what.
    pub error: String,
    /// What to do about it.
    pub help: String,
}
