//! The configuration: text to errors, or to a [`Config`] and a description of it.
//!
//! Input: the file. The files that it may name hold what [`original`] says; the disk is not looked at.

use serde_json::json;
use vipd::config::{Config, Difference, HostFacts, Loaded, Original, Report, check_host, describe};

/// A hundred diagnostics are drawn at most, each a few lines of the width of a terminal.
const DRAWN: usize = 100 * 3000;

/// All errors are drawn in bounded space; an accepted file means the same when it is read again, and nothing has changed.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match original(text).parse() {
        Err(report) => {
            assert!(report.errors() > 0, "refused without an error: {text:?}");
            is_drawn(&report, text);
        }
        Ok(loaded) => {
            is_sound(&loaded, text);
            let marked = original(&format!("\u{feff}{text}")).parse();
            assert_eq!(marked.map(|marked| marked.config), Ok(loaded.config), "a byte order mark means something");
        }
    }
}

/// Describes a file in `/etc/vipd`, which has two keys, the examples' keys and a password beside it.
pub fn original(text: &str) -> Original {
    let file = |content: &str| content.as_bytes().to_vec();
    let files = json!({
        "/etc/vipd/a.key": file(&"a".repeat(32)),
        "/etc/vipd/b.key": file(&format!("hex:{}\n", "0123456789abcdef".repeat(4))),
        "/etc/vipd/bad.key": file("hex:0"),
        "/etc/vipd/keys/orders.key": file(&"o".repeat(32)),
        "/etc/vipd/keys/orders-2.key": file(&"p".repeat(32)),
        "/etc/vipd/v2.password": file("secret\0\0"),
        "/etc/vipd/version2.password": file("secret\0\0"),
    });
    let original = json!({"origin": "/etc/vipd/vipd.yaml", "text": text, "files": files});
    match serde_json::from_value(original) {
        Ok(original) => original,
        Err(error) => panic!("an original is not written like this any more: {error}"),
    }
}

fn is_sound(loaded: &Loaded, text: &str) {
    let config = &loaded.config;
    assert_eq!(loaded.warnings.errors(), 0);
    is_drawn(&loaded.warnings, text);
    assert_eq!(loaded.original.parse().as_ref(), Ok(loaded), "read again it means something else");

    let same = Difference::between(config, config);
    assert!(same.is_empty(), "{same:?}");
    assert_eq!(same.apply(config), *config);

    let facts = HostFacts::default();
    is_drawn(&check_host(loaded, &facts), text);
    let described = describe(config, &facts);
    assert!(described.len() <= longest_description(config), "{} bytes: {described}", described.len());
    assert!(config.virtual_routers.iter().all(|router| described.contains(&router.name)));
}

/// One line a router: its own words, and for each address, peer and key as much as these are long when written.
fn longest_description(config: &Config) -> usize {
    let router = |router: &vipd::config::VirtualRouter| {
        let keys = router.authentication.as_ref().map_or(0, |it| it.keys.len());
        600 + router.name.len() + router.interface.len() + 80 * (router.addresses.len() + router.peers.len()) + 5 * keys
    };
    200 + config.control_socket.as_os_str().len() + config.virtual_routers.iter().map(router).sum::<usize>()
}

fn is_drawn(report: &Report, text: &str) {
    let drawn = report.to_string();
    assert!(drawn.len() <= DRAWN, "{} bytes of {} diagnostics", drawn.len(), report.diagnostics().len());
    assert_eq!(drawn.is_empty(), report.is_empty());
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for mark in report.diagnostics().iter().flat_map(|diagnostic| &diagnostic.marks) {
        assert!(text.get(mark.span.start..mark.span.end).is_some(), "{mark:?}");
    }
}
