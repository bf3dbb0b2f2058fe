//! What is wrong with a file, where, and what to write instead.
//!
//! Collects and draws; it knows neither YAML nor VRRP.

use core::fmt;
use core::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

/// How many diagnostics are drawn: more are the same mistake on every line.
const MOST_DRAWN: usize = 100;

/// Marks a stretch of the file's text, in bytes, end exclusive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl Span {
    /// Tells whether the span holds no text.
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// Says whether a file may be used in spite of a diagnostic.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file works, but probably not as meant.
    Warning,
}

/// Labels one place in the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mark {
    /// The place.
    pub span: Span,
    /// What is to be said there; may be empty.
    pub label: String,
}

/// Reports one thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Whether the file is refused.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where; the first is the culprit, the others explain. Empty: the file as a whole, or this host.
    pub marks: Vec<Mark>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Diagnostic {
    pub(super) fn label(&mut self, label: impl Into<String>) -> &mut Self {
        if let Some(mark) = self.marks.first_mut() {
            mark.label = label.into();
        }
        self
    }

    pub(super) fn see(&mut self, span: Span, label: impl Into<String>) -> &mut Self {
        self.marks.push(Mark { span, label: label.into() });
        self
    }

    pub(super) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }
}

/// Collects diagnostics while a file is read.
#[derive(Default, Debug)]
pub(super) struct Findings {
    list: Vec<Diagnostic>,
}

impl Findings {
    pub(super) fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Error, vec![Mark { span, label: String::new() }], message.into())
    }

    pub(super) fn warning(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Warning, vec![Mark { span, label: String::new() }], message.into())
    }

    /// Reports an error that has no place in the text.
    pub(super) fn file_error(&mut self, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Error, Vec::new(), message.into())
    }

    fn push(&mut self, severity: Severity, marks: Vec<Mark>, message: String) -> &mut Diagnostic {
        let index = self.list.len();
        self.list.push(Diagnostic { severity, message, marks, help: None });
        &mut self.list[index]
    }

    pub(super) fn into_report(mut self, origin: &str, text: &str) -> Report {
        // Stable, so that what is found at one place keeps the order in which it was found.
        self.list.sort_by_key(|diagnostic| diagnostic.marks.first().map(|mark| mark.span.start));
        Report { origin: origin.to_owned(), text: text.to_owned(), diagnostics: self.list }
    }
}

/// Holds everything that is wrong with one file, in the order of its lines; `Display` draws it without colour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    origin: String,
    text: String,
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// Returns what was found, in the order of the file's lines.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Tells whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// Counts the errors.
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// Counts the warnings.
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count()
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Draws up to 100 diagnostics with their source lines, then one line that counts all; empty where nothing was found.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut drawn = String::new();
        for diagnostic in self.diagnostics.iter().take(MOST_DRAWN) {
            drawn.push_str(&self.draw(&renderer, diagnostic));
            drawn.push_str("\n\n");
        }
        if self.diagnostics.len() > MOST_DRAWN {
            drawn.push_str(&format!("and {} more\n", self.diagnostics.len() - MOST_DRAWN));
        }
        if !self.is_empty() {
            let (errors, warnings) = (plural(self.errors(), "error"), plural(self.warnings(), "warning"));
            drawn.push_str(&format!("{}: {errors}, {warnings}\n", self.origin));
        }
        drawn
    }

    fn draw(&self, renderer: &Renderer, diagnostic: &Diagnostic) -> String {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(diagnostic.message.as_str());
        let mut group = if diagnostic.marks.is_empty() {
            title.element(Origin::path(self.origin.as_str()))
        } else {
            let annotations = diagnostic.marks.iter().enumerate().map(|(index, mark)| {
                let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                let label = (!mark.label.is_empty()).then_some(mark.label.as_str());
                kind.span(self.drawable(mark.span)).label(label)
            });
            title.element(Snippet::source(self.text.as_str()).path(self.origin.as_str()).annotations(annotations))
        };
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }

    /// Cuts a span after its first line; one that does not fit the text is drawn at the text's start.
    fn drawable(&self, span: Span) -> Range<usize> {
        match self.text.get(span.start..span.end) {
            Some(marked) => span.start..span.start + marked.find(['\r', '\n']).unwrap_or(marked.len()),
            None => 0..0,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl core::error::Error for Report {}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
