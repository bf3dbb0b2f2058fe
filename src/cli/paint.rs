//! Colours for a terminal, and spans of time for people.

use std::io::IsTerminal;

/// Chooses a colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Colour {
    /// As it should be.
    Good,
    /// On the way, or out on purpose.
    Attention,
    /// Not as it should be.
    Bad,
    /// Of less interest.
    Faint,
}

// Stand for the colours while a table is laid out: invisible and without width. `finish` puts the real codes in.
const MARKS: [(char, &str); 5] = [
    ('\u{2061}', "\x1b[32m"),
    ('\u{2062}', "\x1b[33m"),
    ('\u{2063}', "\x1b[31m"),
    ('\u{2064}', "\x1b[2m"),
    ('\u{2060}', "\x1b[0m"),
];

impl Colour {
    /// Marks a text; [`finish`] makes it visible or plain.
    pub(super) fn mark(self, text: &str) -> String {
        format!("{}{text}{}", MARKS[self as usize].0, MARKS[4].0)
    }
}

/// Replaces the marks by terminal codes, or by nothing.
pub(super) fn finish(text: &str, coloured: bool) -> String {
    MARKS.iter().fold(text.to_owned(), |text, (mark, code)| text.replace(*mark, if coloured { code } else { "" }))
}

/// Tells whether a stream wants colours: a terminal, without `NO_COLOR` in the environment.
pub(super) fn coloured(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
}

/// Writes milliseconds for people, in at most two units: `0.4s`, `12s`, `3m12s`, `5d3h`.
pub(super) fn span(millis: u64) -> String {
    let seconds = millis / 1000;
    let two = |greater: u64, greater_unit, less: u64, less_unit| match less {
        0 => format!("{greater}{greater_unit}"),
        less => format!("{greater}{greater_unit}{less}{less_unit}"),
    };
    match seconds {
        0..10 => format!("{seconds}.{}s", millis % 1000 / 100),
        10..60 => format!("{seconds}s"),
        60..3600 => two(seconds / 60, 'm', seconds % 60, 's'),
        3600..86400 => two(seconds / 3600, 'h', seconds % 3600 / 60, 'm'),
        _ => two(seconds / 86400, 'd', seconds % 86400 / 3600, 'h'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_at_most_two_units() {
        let seconds = [0, 9, 10, 60, 192, 3600, 86399, 86400, 446_400];
        let written = seconds.map(|seconds| span(seconds * 1000));
        assert_eq!(written, ["0.0s", "9.0s", "10s", "1m", "3m12s", "1h", "23h59m", "1d", "5d4h"]);
        assert_eq!(span(499), "0.4s");
    }

    #[test]
    fn marks_become_codes_only_where_colours_are_wanted() {
        let text = Colour::Good.mark("ACTIVE");
        assert_eq!(finish(&text, true), "\x1b[32mACTIVE\x1b[0m");
        assert_eq!(finish(&text, false), "ACTIVE");
    }
}
