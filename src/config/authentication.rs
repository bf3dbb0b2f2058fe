//! The `authentication` of a virtual router.

use core::time::Duration;
use std::sync::Arc;

use vrrp_packet::{AntiReplay, Interval, Key, KeyId};

use super::diagnostics::{Findings, Span};
use super::key_file;
use super::model::{Authentication, AuthenticationMode};
use super::read::{Field, Placed, Section, Setting};
use super::source::Files;

const KEYS: [&str; 5] = ["mode", "active_key", "anti_replay", "window", "keys"];

const MODES: [(&str, AuthenticationMode); 3] = [
    ("enforce", AuthenticationMode::Enforce),
    ("permissive", AuthenticationMode::Permissive),
    ("receive-only", AuthenticationMode::ReceiveOnly),
];

const GUARDS: [(&str, AntiReplay); 2] = [("time", AntiReplay::Time), ("monotonic", AntiReplay::Monotonic)];

/// Narrower windows would refuse what a busy host sends late.
const NARROWEST: Duration = Duration::from_millis(100);
/// Beyond this, [`AntiReplay::Monotonic`] is what is meant.
const WIDEST: Duration = Duration::from_secs(3600);
/// Applies where three intervals are less (the draft's own default).
const USUAL: Duration = Duration::from_secs(5);

/// Holds what the section says; the default of the window needs the interval, which stands elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Authenticity {
    mode: AuthenticationMode,
    keys: Arc<[Key]>,
    active_key: KeyId,
    anti_replay: AntiReplay,
    window: Option<Duration>,
}

impl Authenticity {
    /// Fills in the default of the window.
    pub(super) fn finish(self, interval: Interval) -> Authentication {
        let Self { mode, keys, active_key, anti_replay, window } = self;
        let window = window.unwrap_or_else(|| USUAL.max(interval.duration() * 3));
        Authentication { mode, keys, active_key, anti_replay, window }
    }
}

/// Names a key of the file; without a key where its file is of no use.
struct Entry {
    id: Placed<KeyId>,
    key: Option<Key>,
}

/// Reads the section; `files` reads the key files.
pub(super) fn read(field: Field<'_>, files: &Files, findings: &mut Findings) -> Option<Authenticity> {
    let section = Section::open(field.node, "`authentication`", &KEYS, findings)?;
    let mode = section.optional("mode", findings, |field, findings| field.word(&MODES, findings));
    let anti_replay = section.optional("anti_replay", findings, |field, findings| field.word(&GUARDS, findings));
    let window = section.optional("window", findings, window);
    let active = section.optional("active_key", findings, key_id);
    let entries = entries(&section, files, findings)?;
    let active_key = active_key(&active, &entries, section.at(), findings);
    if let (Some(window), Some(AntiReplay::Monotonic)) = (window.given(), anti_replay.value()) {
        let found = findings.warning(window.at, "`window` has no effect");
        found.help("`anti_replay: monotonic` does not look at clocks: remove the line");
    }
    Some(Authenticity {
        mode: mode.or(AuthenticationMode::default())?,
        keys: entries.into_iter().map(|entry| entry.key).collect::<Option<_>>()?,
        active_key: active_key?,
        anti_replay: anti_replay.or(AntiReplay::default())?,
        window: window.maybe()?,
    })
}

fn key_id(field: Field<'_>, findings: &mut Findings) -> Option<KeyId> {
    field.byte(1..=255, findings).and_then(KeyId::new)
}

fn window(field: Field<'_>, findings: &mut Findings) -> Option<Duration> {
    let window = field.duration(findings)?;
    if (NARROWEST..=WIDEST).contains(&window) {
        return Some(window);
    }
    let found = field.refuse(findings, "from 100ms to 1h");
    found.help("where clocks differ by more than that, write `anti_replay: monotonic`");
    None
}

/// Reads the list of keys; `None` where there is none, or one of them could not even be named.
fn entries(section: &Section<'_>, files: &Files, findings: &mut Findings) -> Option<Vec<Entry>> {
    let help = "add for example `keys: [{ id: 1, file: orders.key }]`";
    let Some(field) = section.field("keys") else {
        findings.error(section.at(), "`authentication` has no `keys`").help(help);
        return None;
    };
    let fields = field.items(findings)?;
    if fields.is_empty() {
        findings.error(field.at(), "`keys` is empty").help(help);
        return None;
    }
    let entries: Vec<_> = fields.iter().map(|field| entry(*field, files, findings)).collect();
    let entries = entries.into_iter().collect::<Option<Vec<_>>>()?;
    for (index, entry) in entries.iter().enumerate() {
        let id = &entry.id;
        if let Some(first) = entries[..index].iter().find(|first| first.id.value == id.value) {
            let found = findings.error(id.at, format!("two keys have the id {}", id.value));
            found.see(first.id.at, "the first one").help("a packet names its key by the id: give each its own");
            return None;
        }
    }
    Some(entries)
}

fn entry(field: Field<'_>, files: &Files, findings: &mut Findings) -> Option<Entry> {
    let section = Section::open(field.node, "a key", &["id", "file"], findings)?;
    let id = section.required("id", "1", findings, key_id);
    let file =
        section.required("file", "orders.key", findings, |field, findings| field.text(findings).map(str::to_owned));
    let (id, file) = (id.given()?.clone(), file.given()?.clone());
    let key = match key_file::read(&file.value, files, id.value) {
        Ok(key) => Some(key),
        Err(error) => {
            findings.error(file.at, error.to_string()).help(error.help());
            None
        }
    };
    Some(Entry { id, key })
}

fn active_key(active: &Setting<KeyId>, entries: &[Entry], at: Span, findings: &mut Findings) -> Option<KeyId> {
    match (active, entries) {
        (Setting::Broken, _) => None,
        (Setting::Absent, [only]) => Some(only.id.value),
        (Setting::Absent, _) => {
            let found = findings.error(at, "`authentication` has several keys and no `active_key`");
            found.help("say which of them this node signs with");
            None
        }
        (Setting::Given(active), _) => {
            if entries.iter().any(|entry| entry.id.value == active.value) {
                return Some(active.value);
            }
            let ids: Vec<_> = entries.iter().map(|entry| entry.id.value.to_string()).collect();
            let found = findings.error(active.at, format!("there is no key {} to sign with", active.value));
            found.help(format!("add it to `keys`, which has {}", ids.join(", ")));
            None
        }
    }
}
