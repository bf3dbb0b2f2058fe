//! YAML as a tree of plain values, each with its place in the text.
//!
//! Syntax, aliases and limits are settled here; no key has a meaning yet.

use core::cell::Cell;
use core::fmt;
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::diagnostics::{Findings, Span};
use super::places::{self, Place};

/// The largest file that is read, in bytes.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// The most nodes that a file may have after its aliases are expanded: a thousand Virtual Routers use about 50,000.
const MAX_NODES: usize = 200_000;

/// The deepest nesting of brackets and braces; the schema needs four.
const MAX_NESTING: usize = 64;

/// Holds a value and where it stands.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) value: Value,
}

/// Holds what YAML makes of a node. A mapping keeps its order and its repeated keys.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Whole(i128),
    Fraction(f64),
    Text(String),
    List(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

/// Reads the text; `None` after a syntax error, which is then among the findings.
pub(super) fn load(text: &str, findings: &mut Findings) -> Option<Node> {
    if text.len() > MAX_BYTES {
        findings
            .file_error("the file is larger than 1 MiB")
            .help("no configuration is that long: is this the right file?");
        return None;
    }
    if let Some(at) = too_deep(text) {
        findings.error(Span { start: at, end: at + 1 }, format!("more than {MAX_NESTING} brackets are open here"));
        return None;
    }
    let budget = Cell::new(MAX_NODES);
    match (Plain { budget: &budget }).deserialize(serde_yaml::Deserializer::from_str(text)) {
        Ok(plain) => {
            let root = places::locate(text);
            Some(plain.placed(Some(&root), root.span))
        }
        Err(error) => {
            report(text, &error, findings);
            None
        }
    }
}

fn report(text: &str, error: &serde_yaml::Error, findings: &mut Findings) {
    let message = error.to_string();
    let Some(location) = error.location() else {
        findings.file_error(format!("this is not valid YAML: {message}"));
        return;
    };
    let line = text.split_inclusive('\n').take(location.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let column = text[line..].chars().take(location.column().saturating_sub(1)).map(char::len_utf8).sum::<usize>();
    let start = line + column;
    // The snippet shows the place; the message need not repeat it.
    let message = message.split(" at line ").next().unwrap_or(&message);
    let width = text[start..].chars().next().map_or(0, char::len_utf8);
    let found = findings.error(Span { start, end: start + width }, format!("this is not valid YAML: {message}"));
    if text.lines().any(|line| line.trim_start_matches(' ').starts_with('\t')) {
        found.help("indent with spaces: YAML does not allow tabs there");
    }
}

/// Finds where brackets nest deeper than any configuration does.
///
/// The YAML scanner needs time with the square of the depth, and it counts depth only after it has scanned.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        // Brackets in prose need not match.
        let code = if line.trim_start().starts_with('#') { "" } else { line };
        for (column, byte) in code.bytes().enumerate() {
            match byte {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > MAX_NESTING {
                return Some(line_start + column);
            }
        }
        line_start += line.len();
    }
    None
}

/// Loads a node without places, within a budget that every alias draws on.
#[derive(Clone, Copy)]
struct Plain<'a> {
    budget: &'a Cell<usize>,
}

enum PlainValue {
    Leaf(Value),
    List(Vec<PlainValue>),
    Mapping(Vec<(PlainValue, PlainValue)>),
}

impl PlainValue {
    fn placed(self, place: Option<&Rc<Place>>, inherited: Span) -> Node {
        let span = place.map_or(inherited, |place| place.span);
        let child = |index: usize| place.and_then(|place| place.children.get(index));
        let value = match self {
            Self::Leaf(value) => value,
            Self::List(items) => {
                Value::List(items.into_iter().enumerate().map(|(i, item)| item.placed(child(i), span)).collect())
            }
            Self::Mapping(entries) => {
                let entry = |(i, (key, value)): (usize, (PlainValue, PlainValue))| {
                    (key.placed(child(2 * i), span), value.placed(child(2 * i + 1), span))
                };
                Value::Mapping(entries.into_iter().enumerate().map(entry).collect())
            }
        };
        Node { span, value }
    }
}

impl<'de> DeserializeSeed<'de> for Plain<'_> {
    type Value = PlainValue;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<PlainValue, D::Error> {
        let Some(left) = self.budget.get().checked_sub(1) else {
            return Err(D::Error::custom(format!("more than {MAX_NODES} values, counting repeated aliases")));
        };
        self.budget.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Plain<'_> {
    type Value = PlainValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without a YAML tag")
    }

    fn visit_unit<E: Error>(self) -> Result<PlainValue, E> {
        Ok(PlainValue::Leaf(Value::Null))
    }

    /// A document without content.
    fn visit_none<E: Error>(self) -> Result<PlainValue, E> {
        self.visit_unit()
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<PlainValue, E> {
        Ok(PlainValue::Leaf(Value::Boolean(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<PlainValue, E> {
        Ok(PlainValue::Leaf(Value::Whole(value.into())))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<PlainValue, E> {
        Ok(PlainValue::Leaf(Value::Whole(value.into())))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<PlainValue, E> {
        Ok(PlainValue::Leaf(Value::Whole(value)))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<PlainValue, E> {
        Ok(PlainValue::Leaf(Value::Whole(i128::try_from(value).unwrap_or(i128::MAX))))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<PlainValue, E> {
        Ok(PlainValue::Leaf(Value::Fraction(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<PlainValue, E> {
        Ok(PlainValue::Leaf(Value::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<PlainValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        Ok(PlainValue::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<PlainValue, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = mapping.next_entry_seed(self, self)? {
            entries.push(entry);
        }
        Ok(PlainValue::Mapping(entries))
    }
}
