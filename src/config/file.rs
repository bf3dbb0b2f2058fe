//! The whole file: reading it, its top level, and what a loaded configuration is.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::diagnostics::{Findings, Report, Span};
use super::draft::Draft;
use super::model::{Config, Realtime};
use super::read::{Field, Section};
use super::source::{Files, Original};
use super::tree::{self, Node, Value};
use super::{between, semantic};

const KEYS: [&str; 3] = ["control", "realtime", "virtual_routers"];

/// Where the agent listens unless the file names another control socket.
pub const DEFAULT_SOCKET: &str = "/run/vipd/vipd.sock";

/// The kernel's `sun_path` without its final zero, less the dot and the process id of the name that it is bound under.
const SOCKET_BYTES: usize = 107 - 8;

/// Says why a file gives no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no text.
    #[error("{path} is not UTF-8 text: byte {at} is part of no character")]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first byte, from 0, that is part of no character.
        at: usize,
    },
    /// The text has errors.
    #[error("{0}")]
    Invalid(Report),
}

/// Holds a sound configuration and what is doubtful about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Warnings only.
    pub warnings: Report,
    /// What it was made from.
    pub original: Original,
    /// Parallel to `config.virtual_routers`.
    pub(super) places: Vec<RouterPlaces>,
}

/// Remembers where the settings stand that only a running host can contradict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RouterPlaces {
    pub(super) interface: Span,
    pub(super) priority: Option<Span>,
    pub(super) source: Option<Span>,
    pub(super) authentication: Option<Span>,
    pub(super) addresses: Vec<Span>,
    pub(super) peers: Vec<Span>,
}

impl Config {
    /// Reads and validates a file; relative files in it are looked up beside it.
    ///
    /// # Errors
    /// [`LoadError::Invalid`] holds everything that is wrong with the text; the other variants mean that there is none.
    pub fn load(path: &Path) -> Result<Loaded, LoadError> {
        Self::parse(&Self::read(path)?, path).map_err(LoadError::Invalid)
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// Every [`LoadError`] but [`LoadError::Invalid`].
    fn read(path: &Path) -> Result<String, LoadError> {
        let unreadable = |source| LoadError::Unreadable { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        // One byte more than allowed is enough to see that the file is too long.
        let limit = tree::MAX_BYTES as u64 + 1;
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(unreadable)?;
        let too_long = bytes.len() > tree::MAX_BYTES;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(text),
            // The cut may have split a character; the length is the error to report.
            Err(error) if too_long => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
            Err(error) => Err(LoadError::NotText { path: path.to_owned(), at: error.utf8_error().valid_up_to() }),
        }
    }

    /// Validates a text; `origin` is shown in reports, and relative files are looked up beside it.
    ///
    /// # Errors
    /// The report holds everything that is wrong, and the warnings too.
    pub fn parse(text: &str, origin: &Path) -> Result<Loaded, Report> {
        Self::parse_with(text, origin, Files::on_disk(origin))
    }

    pub(super) fn parse_with(text: &str, origin: &Path, files: Files) -> Result<Loaded, Report> {
        // Windows editors begin a file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut findings = Findings::default();
        let read = tree::load(text, &mut findings).and_then(|root| top(&root, &files, &mut findings));
        let report = findings.into_report(&origin.display().to_string(), text);
        match read {
            Some((config, places)) if report.errors() == 0 => {
                let original = files.into_original(text, origin);
                Ok(Loaded { config, warnings: report, original, places })
            }
            Some(_) | None => Err(report),
        }
    }
}

fn top(root: &Node, files: &Files, findings: &mut Findings) -> Option<(Config, Vec<RouterPlaces>)> {
    let section = Section::open(root, super::FILE, &KEYS, findings)?;
    let control = section.optional("control", findings, control);
    let realtime = section.optional("realtime", findings, realtime);
    let drafts = routers(&section, files, findings);
    for draft in &drafts {
        semantic::check(draft, findings);
    }
    between::check(&drafts, findings);
    let control = control.or(Control::default())?;
    let config = Config {
        control_socket: control.socket,
        control_group: control.group,
        metrics_listen: None,
        realtime: realtime.or(Realtime::Try)?,
        virtual_routers: drafts.iter().map(Draft::finish).collect::<Option<_>>()?,
    };
    Some((config, drafts.iter().map(places).collect::<Option<_>>()?))
}

fn routers(section: &Section<'_>, files: &Files, findings: &mut Findings) -> Vec<Draft> {
    let Some(field) = section.field("virtual_routers") else {
        findings.error(section.at(), "the file has no `virtual_routers`").help("examples/pair.yaml shows one");
        return Vec::new();
    };
    let items = field.items(findings).unwrap_or_default();
    if let Value::List(list) = &field.node.value
        && list.is_empty()
    {
        findings.error(field.at(), "`virtual_routers` is empty").help("examples/pair.yaml shows one");
    }
    items.iter().filter_map(|item| Draft::read(item.node, files, findings)).collect()
}

/// Holds what `control` says.
#[derive(Clone)]
struct Control {
    socket: PathBuf,
    group: Option<String>,
}

impl Default for Control {
    fn default() -> Self {
        Self { socket: PathBuf::from(DEFAULT_SOCKET), group: None }
    }
}

fn control(field: Field<'_>, findings: &mut Findings) -> Option<Control> {
    let section = Section::open(field.node, "`control`", &["socket", "group"], findings)?;
    let path = section.optional("socket", findings, socket);
    let group = section.optional("group", findings, |field, findings| field.text(findings).map(str::to_owned));
    Some(Control { socket: path.or(PathBuf::from(DEFAULT_SOCKET))?, group: group.maybe()? })
}

fn socket(field: Field<'_>, findings: &mut Findings) -> Option<PathBuf> {
    let path = field.text(findings)?;
    if !path.starts_with('/') {
        let found = field.refuse(findings, "an absolute path");
        found.help("commands are run from any folder: write the path from `/` on");
    } else if path.ends_with('/') || path.len() > SOCKET_BYTES {
        field.refuse(findings, &format!("the path of a file, at most {SOCKET_BYTES} bytes long"));
    } else {
        return Some(PathBuf::from(path));
    }
    None
}

fn realtime(field: Field<'_>, findings: &mut Findings) -> Option<Realtime> {
    match &field.node.value {
        Value::Text(text) if text == "off" => return Some(Realtime::Off),
        Value::Mapping(_) => {}
        Value::Null | Value::Boolean(_) | Value::Whole(_) | Value::Fraction(_) | Value::Text(_) | Value::List(_) => {
            field.refuse(findings, "`off` or a mapping").help("write `realtime: { priority: 50 }` or `realtime: off`");
            return None;
        }
    }
    let section = Section::open(field.node, "`realtime`", &["priority"], findings)?;
    let priority = section.optional("priority", findings, |field, findings| field.byte(1..=99, findings));
    priority.maybe()?.map_or(Some(Realtime::Try), |priority| Some(Realtime::Priority(priority)))
}

fn places(draft: &Draft) -> Option<RouterPlaces> {
    Some(RouterPlaces {
        interface: draft.interface.given()?.at,
        priority: draft.priority.given().map(|placed| placed.at),
        source: draft.source.given().map(|placed| placed.at),
        authentication: draft.authentication.given().map(|placed| placed.at),
        addresses: draft.addresses.items.iter().map(|placed| placed.at).collect(),
        peers: draft.peers.items.iter().map(|placed| placed.at).collect(),
    })
}
