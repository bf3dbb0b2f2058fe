//! Keys that this version knows but cannot obey.
//!
//! An agent that ignored them would be unsafe: a check that never runs, a gate that never opens. Each is refused until
//! the row is removed from the table.

use super::read::Field;
use super::tree::Value;

/// Says which value of a refused key asks for nothing and is let through.
enum Harmless {
    Nothing,
    EmptyList,
    Word(&'static str),
}

/// The section, the key, and what is let through.
const LATER: [(&str, &str, Harmless); 8] = [
    (super::FILE, "checks", Harmless::Nothing),
    (super::FILE, "databases", Harmless::Nothing),
    (super::FILE, "metrics", Harmless::Nothing),
    (super::FILE, "notify", Harmless::EmptyList),
    (super::ROUTER, "connections", Harmless::Word("keep")),
    (super::ROUTER, "database", Harmless::Nothing),
    (super::ROUTER, "group", Harmless::Nothing),
    (super::ROUTER, "track", Harmless::Nothing),
];

fn row(section: &str, key: &str) -> Option<&'static Harmless> {
    LATER.iter().find(|row| row.0 == section && row.1 == key).map(|row| &row.2)
}

/// Tells whether the key belongs to a later version.
pub(super) fn is_known(section: &str, key: &str) -> bool {
    row(section, key).is_some()
}

/// Tells whether the key asks for something that this version cannot do.
pub(super) fn is_refused(section: &str, field: &Field<'_>) -> bool {
    match (row(section, field.name), &field.node.value) {
        (None, _) => false,
        (Some(Harmless::EmptyList), Value::List(items)) => !items.is_empty(),
        (Some(Harmless::Word(word)), Value::Text(text)) => text != word,
        (Some(Harmless::Nothing | Harmless::EmptyList | Harmless::Word(_)), _) => true,
    }
}

/// Says what to do about a refused key.
pub(super) fn advice(section: &str, key: &str) -> String {
    match row(section, key) {
        Some(Harmless::Word(word)) => format!("remove it, or write `{key}: {word}`"),
        Some(Harmless::Nothing | Harmless::EmptyList) | None => format!("remove `{key}`"),
    }
}
