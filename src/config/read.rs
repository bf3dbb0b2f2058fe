//! Typed readers over the tree: each takes what it can and reports what it cannot, so that nothing stops at the first error.

use core::ops::RangeInclusive;
use core::time::Duration;

use super::diagnostics::{Diagnostic, Findings, Span};
use super::duration;
use super::later;
use super::tree::{Node, Value};
use super::words::{closest, describe, shorten};

/// Pairs a value with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) at: Span,
}

/// Tells a key that is not there from one that could not be read: only the former has a default.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Setting<T> {
    Absent,
    Broken,
    Given(Placed<T>),
}

impl<T: Clone> Setting<T> {
    /// Returns the value or the default; `None` where an error about it has been reported.
    pub(super) fn or(&self, default: T) -> Option<T> {
        match self {
            Self::Absent => Some(default),
            Self::Broken => None,
            Self::Given(placed) => Some(placed.value.clone()),
        }
    }

    /// Returns the value, if there is one; the outer `None` where an error about it has been reported.
    pub(super) fn maybe(&self) -> Option<Option<T>> {
        match self {
            Self::Absent => Some(None),
            Self::Broken => None,
            Self::Given(placed) => Some(Some(placed.value.clone())),
        }
    }

    /// Returns what the file says, if it could be read.
    pub(super) fn given(&self) -> Option<&Placed<T>> {
        match self {
            Self::Absent | Self::Broken => None,
            Self::Given(placed) => Some(placed),
        }
    }

    /// Returns a copy of the value that the file says, if it could be read.
    pub(super) fn value(&self) -> Option<T> {
        self.given().map(|placed| placed.value.clone())
    }
}

/// Holds one mapping of the schema, its keys checked against the known ones.
pub(super) struct Section<'a> {
    name: &'static str,
    at: Span,
    fields: Vec<Field<'a>>,
}

/// Holds one key and its value, or one item of a list under that key.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    key: Span,
    pub(super) node: &'a Node,
    is_item: bool,
}

impl<'a> Section<'a> {
    /// Opens a mapping; `None` where the node is none. Unknown, repeated and not yet supported keys are reported.
    pub(super) fn open(node: &'a Node, name: &'static str, keys: &[&str], findings: &mut Findings) -> Option<Self> {
        let Value::Mapping(entries) = &node.value else {
            let help = format!("its keys are {}", keys.join(", "));
            findings.error(node.span, format!("{name} is {}, not a mapping", describe(&node.value))).help(help);
            return None;
        };
        let mut section = Self { name, at: node.span, fields: Vec::new() };
        for (key, value) in entries {
            section.add(key, value, keys, findings);
        }
        Some(section)
    }

    fn add(&mut self, key: &'a Node, value: &'a Node, keys: &[&str], findings: &mut Findings) {
        let Value::Text(name) = &key.value else {
            findings.error(key.span, format!("a key of {} is {}, not a word", self.name, describe(&key.value)));
            return;
        };
        let field = Field { name, key: key.span, node: value, is_item: false };
        if !keys.contains(&name.as_str()) && !later::is_known(self.name, name) {
            unknown_key(name, key.span, self.name, keys, findings);
            return;
        }
        if let Some(first) = self.fields.iter().find(|first| first.name == name) {
            let found = findings.error(key.span, format!("`{name}` is given twice in {}", self.name));
            found.see(first.key, "first given here").help("remove one of them");
            return;
        }
        if later::is_refused(self.name, &field) {
            let found = findings.error(key.span, format!("`{name}` is not supported by this version"));
            found.help(later::advice(self.name, name));
        }
        self.fields.push(field);
    }

    /// Returns where the section begins.
    pub(super) fn at(&self) -> Span {
        self.at
    }

    pub(super) fn field(&self, key: &str) -> Option<Field<'a>> {
        self.fields.iter().find(|field| field.name == key).copied()
    }

    /// Reads a key that may be absent.
    pub(super) fn optional<T>(
        &self,
        key: &str,
        findings: &mut Findings,
        read: impl FnOnce(Field<'a>, &mut Findings) -> Option<T>,
    ) -> Setting<T> {
        match self.field(key) {
            None => Setting::Absent,
            Some(field) => {
                read(field, findings).map_or(Setting::Broken, |value| Setting::Given(Placed { value, at: field.at() }))
            }
        }
    }

    /// Reads a key that must be there.
    pub(super) fn required<T>(
        &self,
        key: &str,
        example: &str,
        findings: &mut Findings,
        read: impl FnOnce(Field<'a>, &mut Findings) -> Option<T>,
    ) -> Setting<T> {
        let setting = self.optional(key, findings, read);
        if matches!(setting, Setting::Absent) {
            let found = findings.error(self.at, format!("{} has no `{key}`", self.name));
            found.help(format!("add a line such as `{key}: {example}`"));
        }
        setting
    }
}

impl<'a> Field<'a> {
    /// Returns where to point: the value, or the key where the value is empty.
    pub(super) fn at(self) -> Span {
        if self.node.span.is_empty() && !self.is_item { self.key } else { self.node.span }
    }

    /// Reports that the value is of no use.
    pub(super) fn refuse<'f>(self, findings: &'f mut Findings, expected: &str) -> &'f mut Diagnostic {
        let what = if self.is_item { "an entry of " } else { "" };
        let found = describe(&self.node.value);
        findings.error(self.at(), format!("{what}`{}` is {found}, but it must be {expected}", self.name))
    }

    /// Reads text that is not empty.
    pub(super) fn text(self, findings: &mut Findings) -> Option<&'a str> {
        match &self.node.value {
            Value::Text(text) if !text.is_empty() => Some(text),
            Value::Boolean(_) | Value::Whole(_) | Value::Fraction(_) => {
                self.refuse(findings, "text").help("put it in quotes");
                None
            }
            Value::Null | Value::Text(_) | Value::List(_) | Value::Mapping(_) => {
                self.refuse(findings, "text");
                None
            }
        }
    }

    pub(super) fn boolean(self, findings: &mut Findings) -> Option<bool> {
        match &self.node.value {
            Value::Boolean(value) => return Some(*value),
            Value::Text(text) => {
                let found = self.refuse(findings, "true or false");
                match text.to_ascii_lowercase().as_str() {
                    "yes" | "on" | "true" => found.help(format!("write `{}: true`", self.name)),
                    "no" | "off" | "false" => found.help(format!("write `{}: false`", self.name)),
                    _ => found,
                };
            }
            Value::Null | Value::Whole(_) | Value::Fraction(_) | Value::List(_) | Value::Mapping(_) => {
                self.refuse(findings, "true or false");
            }
        }
        None
    }

    /// Reads a whole number within `range`.
    pub(super) fn byte(self, range: RangeInclusive<u8>, findings: &mut Findings) -> Option<u8> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        match &self.node.value {
            Value::Whole(number) => match u8::try_from(*number) {
                Ok(number) if range.contains(&number) => return Some(number),
                Ok(_) | Err(_) => self.refuse(findings, &expected),
            },
            Value::Text(text) if text.parse::<u8>().is_ok() => {
                self.refuse(findings, &expected).help(format!("write it without quotes: `{}: {text}`", self.name))
            }
            Value::Null
            | Value::Boolean(_)
            | Value::Fraction(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Mapping(_) => self.refuse(findings, &expected),
        };
        None
    }

    /// Reads a span of time.
    pub(super) fn duration(self, findings: &mut Findings) -> Option<Duration> {
        let text = match &self.node.value {
            Value::Text(text) => text.clone(),
            Value::Whole(number) => number.to_string(),
            Value::Fraction(number) => format!("{number}s"),
            Value::Null | Value::Boolean(_) | Value::List(_) | Value::Mapping(_) => String::new(),
        };
        match duration::parse(&text) {
            Ok(span) => Some(span),
            Err(error) => {
                self.refuse(findings, "a span of time").help(error.to_string());
                None
            }
        }
    }

    /// Reads one of a few words.
    pub(super) fn word<T: Copy>(self, words: &[(&str, T)], findings: &mut Findings) -> Option<T> {
        let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
        if let Value::Text(text) = &self.node.value {
            if let Some((_, value)) = words.iter().find(|(name, _)| name == text) {
                return Some(*value);
            }
            let found = self.refuse(findings, &format!("one of {}", names.join(", ")));
            if let Some(close) = closest(text, &names) {
                found.help(format!("did you mean `{close}`?"));
            }
        } else {
            self.refuse(findings, &format!("one of {}", names.join(", ")));
        }
        None
    }

    /// Reads a list; its items bear the list's name and an empty one points at the list.
    pub(super) fn items(self, findings: &mut Findings) -> Option<Vec<Field<'a>>> {
        let Value::List(items) = &self.node.value else {
            self.refuse(findings, "a list").help(format!("write `{}: [..]`, or one `- ..` a line", self.name));
            return None;
        };
        let item = |node: &'a Node| Field { name: self.name, key: self.key, node, is_item: true };
        Some(items.iter().map(item).collect())
    }
}

fn unknown_key(name: &str, at: Span, section: &str, keys: &[&str], findings: &mut Findings) {
    match closest(name, keys) {
        Some(close) => {
            findings.error(at, format!("unknown key \"{}\", did you mean \"{close}\"?", shorten(name)));
        }
        None => {
            let found = findings.error(at, format!("unknown key \"{}\" in {section}", shorten(name)));
            match name {
                "<<" => found.help("merge keys are not supported; repeat the keys"),
                _ => found.help(format!("the keys here are {}", keys.join(", "))),
            };
        }
    }
}
