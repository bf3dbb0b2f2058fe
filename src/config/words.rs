//! How messages speak of what stands in a file.

use super::tree::Value;

/// Finds the known word that was probably meant.
pub(super) fn closest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    // Longer words are a waste of time: the distance costs the product of the lengths.
    if word.len() > 40 {
        return None;
    }
    let word = word.to_lowercase();
    let distance = |known: &str| strsim::damerau_levenshtein(&word, known);
    let (distance, best) = known.iter().map(|known| (distance(known), *known)).min()?;
    (distance <= best.len().max(3) / 3).then_some(best)
}

/// Names a value in an error.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Whole(number) => number.to_string(),
        Value::Fraction(number) => number.to_string(),
        Value::Text(text) => format!("\"{}\"", shorten(text)),
        Value::List(_) => "a list".to_owned(),
        Value::Mapping(_) => "a mapping".to_owned(),
    }
}

/// Cuts long text, so that a message stays one line.
pub(super) fn shorten(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_owned(),
    }
}
