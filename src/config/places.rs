//! Where in the text each YAML node stands.
//!
//! `serde_yaml` decides what a file means but forgets where it read it; `saphyr-parser` reads the same text again and
//! only tells positions. Where the two disagree about a shape, a node inherits the place of what holds it.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, Span as CharSpan};

use super::diagnostics::Span;

/// Holds the place of a node and of its children: a mapping's are key, value, key, value.
#[derive(Default, Debug)]
pub(super) struct Place {
    pub(super) span: Span,
    pub(super) children: Vec<Rc<Place>>,
}

/// Finds the place of every node; gives up silently at the first thing that only this parser dislikes.
pub(super) fn locate(text: &str) -> Rc<Place> {
    let offsets = Offsets::of(text);
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        builder.event(&event, offsets.span(span));
    }
    builder.root()
}

/// Translates character counts into bytes.
struct Offsets {
    bytes: Vec<usize>,
    end: usize,
}

impl Offsets {
    fn of(text: &str) -> Self {
        Self { bytes: text.char_indices().map(|(byte, _)| byte).collect(), end: text.len() }
    }

    fn span(&self, span: CharSpan) -> Span {
        let byte = |character: usize| self.bytes.get(character).copied().unwrap_or(self.end);
        Span { start: byte(span.start.index()), end: byte(span.end.index()) }
    }
}

#[derive(Default)]
struct Builder {
    open: Vec<(Place, usize)>,
    anchors: HashMap<usize, Rc<Place>>,
    root: Option<Rc<Place>>,
}

impl Builder {
    fn event(&mut self, event: &Event<'_>, span: Span) {
        match event {
            Event::Scalar(_, _, anchor, _) => self.close(Place { span, children: Vec::new() }, *anchor),
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                self.open.push((Place { span, children: Vec::new() }, *anchor));
            }
            Event::SequenceEnd | Event::MappingEnd => self.pop(),
            // Errors in a repeated node are shown where the node is written.
            Event::Alias(anchor) => {
                let place = self.anchors.get(anchor).cloned().unwrap_or_default();
                self.attach(place);
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
    }

    fn pop(&mut self) {
        if let Some((mut place, anchor)) = self.open.pop() {
            // A block collection has no text of its own: its first line stands for it.
            if let Some(first) = place.children.first() {
                place.span.end = place.span.end.max(first.span.end);
            }
            self.close(place, anchor);
        }
    }

    fn close(&mut self, place: Place, anchor: usize) {
        let place = Rc::new(place);
        // The parser numbers anchors from 1.
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&place));
        }
        self.attach(place);
    }

    fn attach(&mut self, place: Rc<Place>) {
        match self.open.last_mut() {
            Some((parent, _)) => parent.children.push(place),
            None => self.root = self.root.take().or(Some(place)),
        }
    }

    /// Returns the whole tree; what was still open after an error is kept as far as it got.
    fn root(mut self) -> Rc<Place> {
        while !self.open.is_empty() {
            self.pop();
        }
        self.root.unwrap_or_default()
    }
}
