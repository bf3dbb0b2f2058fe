//! The section `authentication`, and the key files that it names.

use core::time::Duration;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;
use vrrp_packet::{AntiReplay, Key, KeyId};

use super::super::model::{Authentication, AuthenticationMode};
use super::super::{HostFacts, check_host, describe};
use super::*;

fn id(id: u8) -> KeyId {
    KeyId::new(id).unwrap()
}

/// A folder with the key files `one` and `two`.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("one", &[1; 32], 0o600);
        folder.write("two", format!("hex:{}\n", "02".repeat(64)).as_bytes(), 0o400);
        folder
    }

    fn write(&self, name: &str, content: &[u8], mode: u32) {
        let path = self.0.path().join(name);
        let _ = fs::remove_file(&path);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn load(&self, text: &str) -> Result<Loaded, Report> {
        Config::parse(text, &self.0.path().join("vipd.yaml"))
    }

    fn accepted(&self, lines: &str) -> Authentication {
        let mut loaded = self.load(&pair_with(lines)).unwrap();
        assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
        loaded.config.virtual_routers.remove(0).authentication.unwrap()
    }

    fn refused(&self, lines: &str) -> String {
        let text = pair_with(lines);
        only_message(&self.load(&text).unwrap_err(), &text)
    }

    fn help(&self, lines: &str) -> String {
        self.load(&pair_with(lines)).unwrap_err().diagnostics()[0].help.clone().unwrap()
    }
}

const ONE: &str = "authentication: { keys: [{ id: 1, file: one }] }";

#[test]
fn one_key_is_all_that_must_be_said() {
    let authentication = Folder::new().accepted(ONE);

    let expected = Authentication {
        mode: AuthenticationMode::Enforce,
        keys: [Key::new(id(1), &[1; 32]).unwrap()].into(),
        active_key: id(1),
        anti_replay: AntiReplay::Time,
        window: Duration::from_secs(5),
    };
    assert_eq!(authentication, expected);
}

#[test]
fn everything_may_be_said() {
    let keys = "[{ id: 1, file: one }, { id: 255, file: two }]";

    let authentication = Folder::new().accepted(&format!(
        "authentication: {{ mode: receive-only, active_key: 255, anti_replay: time, window: 30s, keys: {keys} }}"
    ));

    let expected = Authentication {
        mode: AuthenticationMode::ReceiveOnly,
        keys: [Key::new(id(1), &[1; 32]).unwrap(), Key::new(id(255), &[2; 64]).unwrap()].into(),
        active_key: id(255),
        anti_replay: AntiReplay::Time,
        window: Duration::from_secs(30),
    };
    assert_eq!(authentication, expected);
}

#[test]
fn the_usual_window_grows_with_the_interval() {
    for (interval, window) in [("10ms", 5_000), ("1s", 5_000), ("2s", 6_000), ("40s950ms", 122_850)] {
        let authentication = Folder::new().accepted(&format!("{ONE}\nadvertisement_interval: {interval}"));
        assert_eq!(authentication.window, Duration::from_millis(window), "{interval}");
    }
}

#[test]
fn a_key_file_that_is_not_there_is_an_error_that_names_it() {
    let folder = Folder::new();
    let lines = "authentication: { keys: [{ id: 1, file: gone }] }";

    let name = folder.path("gone");
    assert_eq!(
        folder.refused(lines),
        format!("6:45 cannot read the key file {name}: No such file or directory (os error 2)")
    );
    assert_eq!(folder.help(lines), format!("make one with `(umask 077; echo hex:$(openssl rand -hex 32) > {name})`"));
}

#[test]
fn a_key_file_that_others_may_read_or_write_is_refused_with_what_to_run() {
    let folder = Folder::new();
    let name = folder.path("one");
    for mode in [0o640, 0o604, 0o620, 0o602, 0o644, 0o777] {
        folder.write("one", &[1; 32], mode);

        let refusal = format!("6:45 the key file {name} is open to others than its owner: its mode is {mode:03o}");
        assert_eq!(folder.refused(ONE), refusal);
        assert_eq!(folder.help(ONE), format!("run `chmod 600 {name}`; whoever has read the key has it"));
    }
}

#[test]
fn a_key_file_of_another_user_is_refused() {
    assert!(nix::unistd::geteuid().is_root(), "this test gives a file away: run it as root");
    let folder = Folder::new();
    let name = folder.path("one");
    std::os::unix::fs::chown(folder.0.path().join("one"), Some(65_534), None).unwrap();

    let refusal = format!("6:45 the key file {name} belongs to the user 65534, who could change it");
    assert_eq!(folder.refused(ONE), refusal);
    assert_eq!(folder.help(ONE), format!("run `chown root {name}`"));
}

#[test]
fn a_key_has_32_to_64_bytes() {
    let folder = Folder::new();
    let name = folder.path("one");
    for (content, problem) in [
        (b"".as_slice(), "does not hold a key: key has 0 bytes, not 32 to 64"),
        (&[7; 31], "does not hold a key: key has 31 bytes, not 32 to 64"),
        (&[7; 65], "does not hold a key: key has 65 bytes, not 32 to 64"),
        (&[7; 256], "is too long for a key"),
        (&[7; 100_000], "is too long for a key"),
        (b"hex:012", "does not hold a key: key has an odd number of hex digits"),
        (b"hex:01x2", "does not hold a key: key has no hex digit at position 2 after `hex:`"),
    ] {
        folder.write("one", content, 0o600);
        assert_eq!(folder.refused(ONE), format!("6:45 the key file {name} {problem}"));
    }
}

#[test]
fn what_is_no_file_is_no_key_and_nobody_waits_for_it() {
    let folder = Folder::new();
    let name = folder.path("one");
    let path = folder.0.path().join("one");
    fs::remove_file(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();

    assert_eq!(folder.refused(ONE), format!("6:45 the key file {name} is not a regular file"));
}

#[test]
fn keys_are_named_apart_and_the_active_one_is_among_them() {
    let folder = Folder::new();
    let with = |keys: &str| format!("authentication: {{ keys: [{keys}] }}");
    let active = |key: &str| format!("authentication: {{ active_key: {key}, keys: [{{ id: 1, file: one }}] }}");

    let twice = folder.refused(&with("{ id: 1, file: one }, { id: 1, file: two }"));
    assert_eq!(twice, "6:58 two keys have the id 1");
    assert_eq!(
        folder.refused(&with("{ id: 1, file: one }, { id: 2, file: two }")),
        "6:21 `authentication` has several keys and no `active_key`"
    );
    assert_eq!(folder.refused(&active("2")), "6:35 there is no key 2 to sign with");
    assert!(folder.refused(&active("0")).starts_with("6:35 `active_key` is 0"));
    assert!(folder.refused(&with("{ id: 256, file: one }")).starts_with("6:36 `id` is 256"));
    assert_eq!(folder.refused(&with("{ id: 1 }")), "6:30 a key has no `file`");
    assert_eq!(folder.refused(&with("")), "6:29 `keys` is empty");
    assert_eq!(folder.refused("authentication: { mode: enforce }"), "6:21 `authentication` has no `keys`");
    assert!(
        folder.refused("authentication: { mode: strict, keys: [{ id: 1, file: one }] }").starts_with("6:29 `mode`")
    );
}

#[test]
fn a_window_is_from_100ms_to_an_hour_and_of_use_only_where_clocks_count() {
    let folder = Folder::new();
    let with = |settings: &str| format!("authentication: {{ {settings}, keys: [{{ id: 1, file: one }}] }}");
    for window in ["0s", "99ms", "1h1s"] {
        let refusal = folder.refused(&with(&format!("window: {window}")));
        assert_eq!(refusal, format!("6:31 `window` is \"{window}\", but it must be from 100ms to 1h"));
    }

    let idle = pair_with(&with("anti_replay: monotonic, window: 5s"));
    let warnings = folder.load(&idle).unwrap().warnings;
    assert_eq!(only_message(&warnings, &idle), "6:55 `window` has no effect");
}

#[test]
fn a_password_and_a_signature_do_not_go_together() {
    let folder = Folder::new();
    fs::write(folder.0.path().join("secret"), "s3cret").unwrap();
    let lines = format!("version: 2\npassword_file: secret\n{ONE}");

    assert_eq!(folder.refused(&lines), "7:20 a router has a password or signatures, not both");
}

#[test]
fn a_clock_that_follows_nothing_is_a_warning_where_clocks_count() {
    let folder = Folder::new();
    let warnings = |settings: &str, clock_synchronised: bool| {
        let text = pair_with(&format!("authentication: {{ {settings} keys: [{{ id: 1, file: one }}] }}"));
        let facts = HostFacts { clock_synchronised, ..HostFacts::default() };
        let report = check_host(&folder.load(&text).unwrap(), &facts);
        report.diagnostics().iter().filter(|it| it.message.contains("not synchronised")).count()
    };

    assert_eq!(warnings("", false), 1);
    assert_eq!(warnings("", true), 0);
    assert_eq!(warnings("anti_replay: monotonic,", false), 0);
}

#[test]
fn what_is_signed_and_believed_is_put_in_words() {
    let folder = Folder::new();
    let said = |settings: &str| {
        let keys = "[{ id: 1, file: one }, { id: 2, file: two }]";
        let text = pair_with(&format!("authentication: {{ {settings}, active_key: 2, keys: {keys} }}"));
        let text = describe(&folder.load(&text).unwrap().config, &HostFacts::default());
        text.lines().next().unwrap().rsplit("; ").next().unwrap().to_owned()
    };

    assert_eq!(
        said("window: 2s"),
        "signs with key 2, knows keys 1, 2, believes only what is signed, within 2 s of its own clock"
    );
    assert_eq!(
        said("mode: permissive"),
        "signs with key 2, knows keys 1, 2, also believes what is not signed, within 5 s of its own clock"
    );
    assert_eq!(
        said("mode: receive-only, anti_replay: monotonic"),
        "knows keys 1, 2, does not sign yet, in the order of each sender"
    );
}

#[test]
fn a_key_stays_out_of_debug_output() {
    let authentication = Folder::new().accepted(ONE);

    assert!(format!("{authentication:?}").contains("keys: [Key { id: 1, .. }]"));
}
