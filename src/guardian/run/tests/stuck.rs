use super::super::super::Promise;
use super::*;

fn at(until: u64) -> Option<Promise> {
    Some(Promise { until, at_last: until })
}

/// Starts an agent under a vigil of its own; `act` is called once the agent is ready.
fn keep_vigil(scene: &Scene, recorder: &mut Recorder, act: impl FnOnce(&Guardian<'_>, &Child) + Send) -> End {
    let guardian = Guardian::new(&scene.plan).unwrap();
    let agent = guardian.start().unwrap();
    scene.wait_until_ready();
    act(&guardian, &agent.child);
    Vigil::new(&guardian, agent).keep(recorder).unwrap()
}

#[test]
fn an_agent_that_breaks_its_promise_is_killed_and_cleaned_up_after() {
    let scene = Scene::new("claim 0; active 0; active 1; promise; stay");

    let end = keep_vigil(&scene, &mut scene.recorder(), |_, _| {});

    assert_eq!(end.status.signal(), Some(libc::SIGKILL));
    assert_eq!(end.exit_code(false), None);
    assert_eq!(scene.log(), ["start", "withdraw 0", "release 0", "release 1", "withdraw 0"]);
}

#[test]
fn what_was_withdrawn_while_the_agent_still_lived_is_withdrawn_once_more_when_it_is_dead() {
    let scene = Scene::new("once && { trap '' HUP; claim 0; active 0; promise; stay; }; exit 0");
    let guardian = scene.spawn();
    scene.wait_until_ready();

    // Whatever wakes the guardian makes it look.
    interrupt(&guardian, Signal::SIGHUP);

    assert_eq!(guardian.join().unwrap(), 0);
    assert_eq!(scene.log(), ["start", "withdraw 0", "release 0", "withdraw 0", "start"]);
}

#[test]
fn the_agent_that_follows_belongs_to_another_generation() {
    let scene = Scene::new("echo ${VIPD_GUARDIAN##*,} >> log; promise; stay");
    let guardian = Guardian::new(&scene.plan).unwrap();
    for _ in 0..2 {
        let child = guardian.start().unwrap();
        scene.wait_until_ready();
        Vigil::new(&guardian, child).keep(&mut scene.recorder()).unwrap();
    }

    assert_eq!(scene.log(), ["start", "0", "start", "1"]);
}

#[test]
fn a_stopped_agent_is_cleaned_up_after_and_never_runs_again() {
    let scene = Scene::new("claim 0; active 0; stay; echo lived >> log");
    let mut recorder = scene.recorder();

    let end = keep_vigil(&scene, &mut recorder, |guardian, child| {
        guardian.table.promise(Thread::Election, at(boot_nanos() + 20_000_000));
        child.kill(Signal::SIGSTOP).unwrap();
    });

    assert_eq!(end.status.signal(), Some(libc::SIGKILL));
    assert_eq!(scene.log(), ["start", "withdraw 0", "release 0", "withdraw 0"]);
}

#[test]
fn a_thread_that_is_held_up_gets_longer_and_not_for_ever() {
    let scene = Scene::new("printf election > /proc/$$/comm; stay");
    let guardian = Guardian::new(&scene.plan).unwrap();
    let child = guardian.start().unwrap();
    scene.wait_until_ready();
    let at_last = boot_nanos() + 200_000_000;
    guardian.table.promise(Thread::Election, Some(Promise { until: 1, at_last }));

    Vigil::new(&guardian, child).keep(&mut scene.recorder()).unwrap();

    // The shell runs all the while, but does not promise anything new.
    assert!(boot_nanos() >= at_last);
}

#[test]
fn an_agent_that_promises_less_than_before_is_looked_at_sooner() {
    let scene = Scene::new("claim 0; stay");
    let guardian = Guardian::new(&scene.plan).unwrap();
    let child = guardian.start().unwrap();
    guardian.table.promise(Thread::Address, at(u64::MAX));
    scene.wait_until_ready();

    let end = thread::scope(|scope| {
        let vigil = Vigil::new(&guardian, child);
        let (table, wake) = (&guardian.table, &guardian.wake);
        scope.spawn(move || {
            table.promise(Thread::Address, at(boot_nanos() + 1_000_000));
            wake.notify();
        });
        vigil.keep(&mut scene.recorder()).unwrap()
    });

    assert_eq!(end.status.signal(), Some(libc::SIGKILL));
}
