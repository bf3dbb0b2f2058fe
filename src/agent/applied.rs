//! What an agent leaves to its guardian and to its successor: the configuration that it runs with, in which places.

use serde::{Deserialize, Serialize};

use crate::config::{Loaded, Original};

/// Holds what the agent runs with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(super) struct AppliedConfig {
    /// What the configuration was made from.
    pub(super) original: Original,
    /// The place of each router, in the configuration's order.
    pub(super) places: Vec<usize>,
}

/// Says why what was left cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AppliedError {
    /// Nothing was left.
    #[error("the guardian has left no configuration")]
    Missing,
    /// It is damaged.
    #[error("the guardian has left a damaged configuration: {0}")]
    Damaged(#[from] serde_json::Error),
    /// The files have changed, or another version of vipd has written it.
    #[error("the guardian has left a configuration that cannot be used:\n{0}")]
    Invalid(crate::config::Report),
}

impl AppliedConfig {
    /// Numbers the routers as they come, as every agent does at its start.
    pub(super) fn first(loaded: &Loaded) -> Self {
        let places = (0..loaded.config.virtual_routers.len()).collect();
        Self { original: loaded.original.clone(), places }
    }

    /// # Errors
    /// None that could happen: texts, bytes and numbers can always be written.
    pub(super) fn encode(&self) -> Result<Vec<u8>, AppliedError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// Reads what was left, and makes the configuration again.
    ///
    /// # Errors
    /// [`AppliedError`]
    pub(super) fn decode(text: &[u8]) -> Result<(Self, Loaded), AppliedError> {
        let applied: Self = serde_json::from_slice(text)?;
        let loaded = applied.original.parse().map_err(AppliedError::Invalid)?;
        Ok((applied, loaded))
    }
}
