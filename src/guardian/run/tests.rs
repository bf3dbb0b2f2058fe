use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::thread::{self, JoinHandle};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use super::*;
use crate::net::testing::{interrupt, is_readable};

mod stuck;

/// What every fake agent begins with: it logs its start, can write words of the table, and can stay
/// until a signal comes or the guardian goes.
const PRELUDE: &str = r#"
    echo start >> log
    table=${VIPD_GUARDIAN%%,*}
    applied=${VIPD_GUARDIAN%,*}; applied=${applied##*,}
    apply() { printf "$1" | dd of=/dev/fd/$applied bs=1 seek=24 conv=notrunc status=none
              printf '\3' | dd of=/dev/fd/$applied bs=1 seek=8 conv=notrunc status=none
              printf '\2' | dd of=/dev/fd/$applied bs=1 seek=0 conv=notrunc status=none; }
    set_word() { printf '\1' | dd of=/dev/fd/$table bs=1 seek=$((8 * $1)) conv=notrunc status=none; }
    served() { set_word 5; }
    claim() { set_word $((6 + 2 * $1)); }
    active() { set_word $((7 + 2 * $1)); }
    # Until 1 ns after boot.
    promise() { set_word 0; }
    once() { [ ! -e once ] && touch once; }
    stay() { echo > ready; while [ -e ready ] && kill -0 $PPID; do :; done; }
"#;

/// Runs a guardian over a shell script; both write to one log.
struct Scene {
    directory: TempDir,
    plan: Plan,
}

struct Recorder {
    log: PathBuf,
    /// Whose addresses cannot be withdrawn.
    stuck: Option<usize>,
    longest_leave: Duration,
}

impl Scene {
    fn new(script: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().display();
        mkfifo(&directory.path().join("ready"), Mode::S_IRWXU).unwrap();
        let mut plan = Plan::new(vec!["-c".into(), format!("cd {path}\n{PRELUDE}\n{script}").into()], 2, Vec::new());
        plan.program = "/bin/sh".into();
        plan.backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(4), Duration::from_secs(60));
        Self { directory, plan }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn recorder(&self) -> Recorder {
        Recorder { log: self.file("log"), stuck: None, longest_leave: Duration::ZERO }
    }

    /// Runs the guardian on a thread that signals can be sent to.
    fn spawn(&self) -> JoinHandle<u8> {
        let (plan, mut recorder) = (self.plan.clone(), self.recorder());
        thread::spawn(move || run(&plan, &mut recorder).unwrap())
    }

    /// Blocks until the script has written to `ready`.
    fn wait_until_ready(&self) {
        fs::read(self.file("ready")).unwrap();
    }

    fn log(&self) -> Vec<String> {
        fs::read_to_string(self.file("log")).unwrap().lines().map(String::from).collect()
    }
}

impl Cleanup for Recorder {
    fn follow(&mut self, applied: &[u8]) -> io::Result<()> {
        append(&self.log, &format!("follow {}", String::from_utf8_lossy(applied)));
        Ok(())
    }

    fn longest_leave(&self) -> Duration {
        self.longest_leave
    }

    fn renumber(&mut self) {}

    fn withdraw(&mut self, router: usize) -> io::Result<()> {
        append(&self.log, &format!("withdraw {router}"));
        if self.stuck == Some(router) { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }

    fn release(&mut self, router: usize, _table: &Table) -> io::Result<()> {
        append(&self.log, &format!("release {router}"));
        Ok(())
    }
}

fn append(log: &Path, line: &str) {
    writeln!(OpenOptions::new().append(true).create(true).open(log).unwrap(), "{line}").unwrap();
}

#[test]
fn a_dead_agents_addresses_go_first_then_its_roles_then_it_is_started_again() {
    let scene = Scene::new("once && { active 0; active 1; claim 0; claim 1; kill -KILL $$; }; exit 0");

    let code = run(&scene.plan, &mut scene.recorder()).unwrap();

    assert_eq!(code, 0);
    assert_eq!(scene.log(), ["start", "withdraw 0", "withdraw 1", "release 0", "release 1", "start"]);
}

#[test]
fn the_cleanup_learns_first_what_the_agent_has_applied_and_only_once() {
    let scene = Scene::new("once && { apply new; claim 1; kill -KILL $$; }; claim 0; exit 0");

    run(&scene.plan, &mut scene.recorder()).unwrap();

    assert_eq!(scene.log(), ["start", "follow new", "withdraw 1", "start", "withdraw 0"]);
}

#[test]
fn no_role_is_given_up_while_its_addresses_are_still_here() {
    let scene = Scene::new("once && { active 0; active 1; claim 0; claim 1; kill -KILL $$; }; exit 3");
    let mut recorder = Recorder { stuck: Some(0), ..scene.recorder() };

    run(&scene.plan, &mut recorder).unwrap();

    let second = ["start", "withdraw 0"];
    assert_eq!(scene.log(), [&["start", "withdraw 0", "withdraw 1", "release 1"][..], &second].concat());
}

#[test]
fn only_what_was_claimed_is_withdrawn_and_only_what_was_active_is_released() {
    let scene = Scene::new("claim 0; active 1; exit 0");

    run(&scene.plan, &mut scene.recorder()).unwrap();

    assert_eq!(scene.log(), ["start", "withdraw 0", "release 1"]);
}

#[test]
fn exit_codes_that_another_start_would_not_change_end_the_guardian() {
    for code in FINAL {
        let scene = Scene::new(&format!("exit {code}"));

        assert_eq!(run(&scene.plan, &mut scene.recorder()).unwrap(), code);
        assert_eq!(scene.log(), ["start"]);
    }
}

#[test]
fn an_agent_that_gives_up_before_any_was_ready_ends_the_guardian() {
    let scene = Scene::new("[ $(wc -l < log) -ge 3 ] && exit 0; claim 0; exit 1");

    assert_eq!(run(&scene.plan, &mut scene.recorder()).unwrap(), FAILED);

    assert_eq!(scene.log(), ["start", "withdraw 0"]);
}

#[test]
fn an_agent_that_gives_up_later_is_started_again() {
    let scene = Scene::new("once && { served; kill -KILL $$; }; [ $(wc -l < log) -ge 3 ] && exit 0; exit 1");

    assert_eq!(run(&scene.plan, &mut scene.recorder()).unwrap(), 0);

    assert_eq!(scene.log(), ["start", "start", "start"]);
}

#[test]
fn any_other_end_starts_the_agent_again() {
    for end in ["served; exit 1", "served; exit 101", "kill -TERM $$", "kill -SEGV $$"] {
        let scene = Scene::new(&format!("once && {{ {end}; }}; exit 0"));

        assert_eq!(run(&scene.plan, &mut scene.recorder()).unwrap(), 0);
        assert_eq!(scene.log(), ["start", "start"], "{end}");
    }
}

#[test]
fn an_agent_that_keeps_dying_is_started_again_after_longer_and_longer_waits() {
    let mut scene = Scene::new("served; [ $(wc -l < log) -ge 5 ] && exit 0; exit 1");
    scene.plan.backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(40), Duration::from_secs(60));
    let begin = boot_nanos();

    run(&scene.plan, &mut scene.recorder()).unwrap();

    assert_eq!(scene.log().len(), 5);
    // 10 + 20 + 40 + 40 ms.
    assert!(boot_nanos() - begin >= 110_000_000);
}

#[test]
fn a_signal_to_leave_is_forwarded_and_the_agents_exit_code_returned() {
    for (signal, name) in [(Signal::SIGTERM, "TERM"), (Signal::SIGINT, "INT")] {
        let scene = Scene::new(&format!("trap 'echo {name} >> log; exit 9' {name}; stay"));
        let guardian = scene.spawn();
        scene.wait_until_ready();

        interrupt(&guardian, signal);

        assert_eq!(guardian.join().unwrap(), 9);
        assert_eq!(scene.log(), ["start", name]);
    }
}

#[test]
fn a_reload_is_forwarded_and_ends_nothing() {
    let scene = Scene::new("trap 'echo HUP >> log; exit 0' HUP; stay");
    let guardian = scene.spawn();
    scene.wait_until_ready();

    interrupt(&guardian, Signal::SIGHUP);

    assert_eq!(guardian.join().unwrap(), 0);
    assert_eq!(scene.log(), ["start", "HUP"]);
}

#[test]
fn an_agent_that_does_not_leave_is_killed_and_cleaned_up_after() {
    let mut scene = Scene::new("trap '' TERM; claim 0; active 0; stay");
    scene.plan.patience = Duration::from_millis(20);
    let guardian = scene.spawn();
    scene.wait_until_ready();

    interrupt(&guardian, Signal::SIGTERM);

    assert_eq!(guardian.join().unwrap(), FAILED);
    assert_eq!(scene.log(), ["start", "withdraw 0", "release 0", "withdraw 0"]);
}

#[test]
fn an_agent_may_take_as_long_to_leave_as_its_configuration_says() {
    let mut scene = Scene::new("trap 'sleep 0.3; exit 9' TERM; stay");
    scene.plan.patience = Duration::ZERO;
    let (plan, recorder) = (scene.plan.clone(), scene.recorder());
    let guardian = thread::spawn(move || {
        run(&plan, &mut Recorder { longest_leave: Duration::from_secs(600), ..recorder }).unwrap()
    });
    scene.wait_until_ready();

    interrupt(&guardian, Signal::SIGTERM);

    assert_eq!(guardian.join().unwrap(), 9);
}

#[test]
fn an_agent_that_leaves_before_it_listens_has_left_in_order() {
    let scene = Scene::new("stay");
    let guardian = scene.spawn();
    scene.wait_until_ready();

    interrupt(&guardian, Signal::SIGTERM);

    assert_eq!(guardian.join().unwrap(), 0);
}

#[test]
fn a_signal_to_leave_ends_the_wait_for_the_next_start() {
    let mut scene = Scene::new("served; claim 0; exit 1");
    scene.plan.backoff = Backoff::new(Duration::from_secs(600), Duration::from_secs(600), Duration::from_secs(60));
    struct Leaving;
    impl Cleanup for Leaving {
        fn follow(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
        fn longest_leave(&self) -> Duration {
            Duration::ZERO
        }
        fn renumber(&mut self) {}
        fn withdraw(&mut self, _: usize) -> io::Result<()> {
            // To this thread alone; it is collected during the wait that follows.
            Ok(nix::sys::signal::raise(Signal::SIGTERM)?)
        }
        fn release(&mut self, _: usize, _: &Table) -> io::Result<()> {
            Ok(())
        }
    }
    let plan = scene.plan.clone();

    let code = thread::spawn(move || run(&plan, &mut Leaving).unwrap()).join().unwrap();

    assert_eq!((code, scene.log().len()), (0, 1));
}

#[test]
fn an_agent_that_was_never_there_is_an_error() {
    let mut scene = Scene::new("");
    scene.plan.program = scene.file("missing");

    let error = run(&scene.plan, &mut scene.recorder()).unwrap_err();

    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn the_agent_sees_the_guardian_go() {
    let liveness = "rest=${VIPD_GUARDIAN#*,}; exec < /dev/fd/${rest%%,*} || exit 7; echo > ready";
    let scene = Scene::new(&format!("{liveness}; read -r nothing; exit 0"));
    let guardian = Guardian::new(&scene.plan).unwrap();
    let mut child = guardian.start().unwrap().child;
    scene.wait_until_ready();
    assert!(!is_readable(&child));

    drop(guardian);

    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn every_agent_gets_what_was_applied_last() {
    let applied = "dd if=/dev/fd/$applied bs=1 skip=4194328 count=8 status=none >> log; echo >> log";
    let mut scene = Scene::new(&format!("{applied}; served; once && exit 1; exit 0"));
    scene.plan.applied = b"anything".to_vec();

    run(&scene.plan, &mut scene.recorder()).unwrap();

    assert_eq!(scene.log(), ["start", "anything", "start", "anything"]);
}
