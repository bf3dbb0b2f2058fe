//! No text panics, and every report can be drawn.

use proptest::prelude::*;

use super::examples::EXAMPLES;
use super::*;

fn survives(text: &str) {
    if let Err(report) = parse(text) {
        assert!(report.errors() > 0);
        assert!(!report.render(true).is_empty());
    }
}

/// Cuts `length` characters at `at` out of a text and puts others there.
fn mutate(text: &str, at: usize, length: usize, instead: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let at = at % (characters.len() + 1);
    let end = (at + length).min(characters.len());
    characters[..at].iter().copied().chain(instead.chars()).chain(characters[end..].iter().copied()).collect()
}

/// Returns a word that means something to YAML or to the schema.
fn fragment() -> impl Strategy<Value = String> {
    let words = [
        "peers",
        "vrid",
        "priority",
        "addresses",
        ":",
        ": ",
        "- ",
        "\n",
        "\n  ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&a ",
        "*a",
        "!t ",
        "|",
        ">",
        "'",
        "\"",
        "#",
        "? ",
        "---\n",
        "...\n",
        "%",
        "~",
        "null",
        "off",
        "1",
        "-1",
        "1e9",
        "0x1f",
        "\t",
        "\r\n",
        "é",
        "漢",
        "\u{feff}",
        "\u{0}",
        "\u{85}",
        "\u{2028}",
        "10.0.0.1/24",
        "fe80::1",
        "1s",
        "1.5s",
        "<<",
    ];
    prop_oneof![prop::sample::select(words.to_vec()).prop_map(str::to_owned), ".{0,6}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(text in "(?s).{0,200}") {
        survives(&text);
    }

    #[test]
    fn text_made_of_yaml_never_panics(parts in prop::collection::vec(fragment(), 0..60)) {
        survives(&parts.concat());
    }

    #[test]
    fn a_damaged_example_never_panics(
        example in prop::sample::select(EXAMPLES.to_vec()),
        damages in prop::collection::vec((any::<usize>(), 0_usize..12, fragment()), 1..6),
    ) {
        let damaged = damages.iter().fold(example.1.to_owned(), |text, (at, length, instead)| mutate(&text, *at, *length, instead));
        survives(&damaged);
    }
}
