//! What is asked of the agent and how it answers.

use core::fmt;
use core::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Reads a request from a JSON object alone.
///
/// serde would also take an array of the values in their order, so that `[]` would ask to drain every router.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

struct Entries<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries)).map(Object)
    }
}

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

/// Asks to read the configuration again: the body of `POST /v1/reload`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default, Debug)]
#[serde(deny_unknown_fields)]
pub struct ReloadRequest {
    /// Whether only the difference is told, and nothing applied.
    #[serde(default)]
    pub dry_run: bool,
}

/// Answers a reload that was carried out, or could be.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Reloaded {
    /// Whether the configuration was applied.
    pub applied: bool,
    /// What becomes of each router: the file's, in its order, then those that it has no more.
    pub routers: Vec<RouterReload>,
    /// What is doubtful about the file, drawn.
    pub warnings: String,
}

/// Says what becomes of one router.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct RouterReload {
    /// Its name.
    pub name: String,
    /// What becomes of it.
    pub change: ReloadChange,
    /// The settings that change.
    pub settings: Vec<SettingChange>,
}

/// Names what becomes of a router.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub enum ReloadChange {
    /// It stays as it is.
    Unchanged,
    /// It is new.
    Added,
    /// It leaves its role in order and is gone.
    Removed,
    /// It changes and keeps its role.
    InPlace,
    /// It leaves its role in order and starts anew.
    Anew,
}

/// Tells both values of a setting that changes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct SettingChange {
    /// The key in the file.
    pub key: String,
    /// The value so far; secrets are not shown.
    pub from: String,
    /// The value from now on.
    pub to: String,
}

/// Names the kind of a refusal.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default, Debug)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It was tried and failed, or makes no sense.
    #[default]
    Failed,
    /// It cannot be done as things are.
    Conflict,
    /// The configuration cannot be used.
    BadConfig,
    /// The user may not ask for it.
    NotPermitted,
}

impl Problem {
    /// Says what failed on what, and what to do about it.
    pub fn new(reason: Reason, error: impl Into<String>, help: impl Into<String>) -> Self {
        Self { reason, error: error.into(), help: help.into(), report: None }
    }
}

/// Answers a request that was not carried out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub struct Problem {
    /// Which kind of refusal it is.
    #[serde(default)]
    pub reason: Reason,
    /// Everything that is wrong with a configuration, drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// What failed on what.
    pub error: String,
    /// What to do about it.
    pub help: String,
}
