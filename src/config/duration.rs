//! Spans of time as the file writes them: `10ms`, `1s`, `1m30s`.

use core::time::Duration;

/// The longest span that the file may ask for; anything above is a slip of the keyboard.
const MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The units in the order in which they may follow each other, with their milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Says why a text is no span of time, and what to write.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DurationError {
    /// Neither numbers nor units as expected.
    #[error("write whole numbers with units, for example `10ms`, `1s` or `1m30s`")]
    Form,
    /// A fraction; the span in whole numbers.
    #[error("write it without a fraction: `{0}`")]
    Fraction(String),
    /// A bare number.
    #[error("add a unit: `{0}s` or `{0}ms`")]
    NoUnit(u64),
    /// Spaces between the parts; the span without them.
    #[error("write it as one word: `{0}`")]
    Spaces(String),
    /// More than 24 hours.
    #[error("the longest span of time is 24h")]
    TooLong,
}

/// Reads one or more numbers with units, greatest unit first, each unit once; at most 24 hours.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    if text.contains(' ') {
        let joined = text.replace(' ', "");
        return Err(if parse(&joined).is_ok() { DurationError::Spaces(joined) } else { DurationError::Form });
    }
    if let Ok(number) = text.parse() {
        return Err(DurationError::NoUnit(number));
    }
    if text.contains('.') {
        return Err(fraction(text).map_or(DurationError::Form, DurationError::Fraction));
    }
    let mut units = UNITS.iter();
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c: char| c.is_ascii_digit());
        let (unit, after) = split(after, |c: char| c.is_ascii_alphabetic());
        // `units` only moves forward: `1s1m` and `1s1s` run out of units.
        let (_, millis) = units.find(|(name, _)| *name == unit).ok_or(DurationError::Form)?;
        let number: u64 = number.parse().map_err(|_| DurationError::Form)?;
        let millis = number.checked_mul(*millis).ok_or(DurationError::TooLong)?;
        total = total.saturating_add(Duration::from_millis(millis));
        rest = after;
    }
    match total {
        _ if text.is_empty() => Err(DurationError::Form),
        total if total > MAX => Err(DurationError::TooLong),
        total => Ok(total),
    }
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

/// Rewrites `1.5s` as `1s500ms`.
fn fraction(text: &str) -> Option<String> {
    let (number, unit) = split(text, |c| c.is_ascii_digit() || c == '.');
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let seconds = number.parse::<f64>().ok()? * Duration::from_millis(*millis).as_secs_f64();
    let span = Duration::try_from_secs_f64(seconds).ok()?;
    // The float is good enough for a suggestion, once it is rounded to the file's resolution.
    let millis = (span.as_micros() + 500) / 1000;
    Some(write(Duration::from_millis(u64::try_from(millis).ok()?)))
}

/// Writes a span of time so that [`parse`] reads it again; rounded down to milliseconds.
pub(super) fn write(span: Duration) -> String {
    let mut left = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (name, millis) in UNITS {
        if left >= millis {
            text.push_str(&format!("{}{name}", left / millis));
            left %= millis;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_documented_forms_are_read() {
        for (text, millis) in [("10ms", 10), ("1s", 1_000), ("1m30s", 90_000), ("0s", 0), ("2h", 7_200_000)] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn a_mistake_is_answered_with_what_to_write() {
        let help = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(help("5"), "add a unit: `5s` or `5ms`");
        assert_eq!(help("1.5s"), "write it without a fraction: `1s500ms`");
        assert_eq!(help("0.1s"), "write it without a fraction: `100ms`");
        assert_eq!(help("1 s"), "write it as one word: `1s`");
        for text in ["", "s", "1x", "1s1m", "1s1s", "-1s", "one second", "1sec"] {
            assert_eq!(parse(text), Err(DurationError::Form), "{text}");
        }
        for text in ["25h", "18446744073709551615h", "99999999999999s"] {
            assert_eq!(parse(text), Err(DurationError::TooLong), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(millis in 0_u64..=86_400_000) {
            let span = Duration::from_millis(millis);
            prop_assert_eq!(parse(&write(span)), Ok(span));
        }

        #[test]
        fn no_text_panics(text in ".{0,20}") {
            let _ = parse(&text);
        }
    }
}
