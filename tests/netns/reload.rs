//! A new configuration for an agent that runs: what did not change goes on, what did is applied, what is bad is refused.

use core::time::Duration;
use std::fs;

use nix::sys::signal::{Signal, kill};
use vipd::control::State;

use crate::lab::{Lab, Node, Router, Seen, Sight, wait_until};

/// Two routers on one interface; a test changes the second.
fn two(priority: u8, second: impl Fn(Router) -> Router) -> Vec<Router> {
    let router = Router::pair(priority).with("name", "second").with("vrid", 52);
    vec![Router::pair(priority), second(router.with("addresses", "[10.77.0.101/24]"))]
}

fn same(router: Router) -> Router {
    router
}

/// Starts a pair with two routers; returns when the first node has both roles.
fn pair(lab: &mut Lab) -> (Node, Node) {
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    a.run(&two(200, same));
    b.run(&two(100, same));
    a.becomes(State::Active);
    wait_until("the other follows", || b.status().routers.iter().all(|router| router.active_router.is_some()));
    (a, b)
}

fn reload(node: &Node, routers: &[Router]) -> String {
    node.configure(routers);
    let output = node.vipd(&["reload"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn becomes(node: &Node, router: &str, state: State) {
    wait_until(&format!("{router} of node {} becomes {state}", node.host()), || {
        node.try_status().is_ok_and(|status| status.routers.iter().any(|it| it.name == router && it.state == state))
    });
}

fn names(node: &Node) -> Vec<String> {
    node.status().routers.into_iter().map(|router| router.name).collect()
}

/// Returns the longest pause between two advertisements of a router.
fn longest_pause(seen: &[Seen], of: &Node, of_vrid: u8) -> Duration {
    let is_its =
        |it: &&Seen| it.host == of.host() && matches!(it.what, Sight::Advertisement { vrid, .. } if vrid == of_vrid);
    let times: Vec<Duration> = seen.iter().filter(is_its).map(|seen| seen.at).collect();
    assert!(times.len() > 10, "only {} advertisements", times.len());
    times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap()
}

#[test]
fn routers_that_did_not_change_miss_no_advertisement_whatever_becomes_of_the_others() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    let fast = |router: Router| router.with("advertisement_interval", "10ms");
    let first = || fast(Router::pair(200));
    let other = |name: &str, vrid: u8| {
        let router = fast(Router::pair(200)).with("name", name).with("vrid", vrid);
        router.with("addresses", format_args!("[10.77.0.{vrid}/24]"))
    };
    a.run(&[first(), other("second", 52)]);
    a.becomes(State::Active);
    let mut wire = lab.listen();

    let steps: [&[Router]; 5] = [
        &[first(), other("second", 52).with("priority", 150)],
        &[first(), other("second", 52).with("addresses", "[10.77.0.52/24, 10.77.0.152/24]")],
        &[first(), other("second", 53)],
        &[first(), other("second", 53), other("third", 54).with("peers", "[10.77.0.9]").without("routers")],
        &[first()],
    ];
    for step in steps {
        wire.until("some advertisements before", |seen| seen.is_advertisement_of(&a));
        reload(&a, step);
        let mut more = 0;
        let seen = wire.until("some after", |seen| {
            more += u32::from(matches!(seen.what, Sight::Advertisement { vrid: 51, .. }));
            more == 40
        });
        // Ten intervals: far more than a busy machine adds, and less than a router that was made anew needs to be Active.
        let pause = longest_pause(&seen, &a, 51);
        assert!(pause < Duration::from_millis(100), "{pause:?}");
    }
    let router = a.router();
    assert_eq!((router.epoch, router.traffic.became_active, router.failures), (1, 1, 0));
    assert_eq!(names(&a), ["db"]);
}

#[test]
fn settings_change_in_place_and_the_role_stays() {
    let mut lab = Lab::new();
    let (mut a, b) = pair(&mut lab);

    let told = reload(
        &a,
        &two(200, |router| {
            let router = router.with("priority", 150).with("preempt", false).with("lease", "9s");
            router.with("addresses", "[10.77.0.101/24, 10.77.0.102/24]")
        }),
    );

    assert_eq!(
        told,
        "db: unchanged\nsecond: changed in place: priority 200 -> 150; \
         addresses [10.77.0.101/24] -> [10.77.0.101/24, 10.77.0.102/24]; preempt true -> false; lease auto -> 9 s\n"
    );
    wait_until("the new address and lease are there", || {
        a.has("10.77.0.102") && a.find("10.77.0.101").unwrap().valid_seconds.is_some_and(|seconds| seconds > 3)
    });
    wait_until("the other hears the new priority", || {
        b.status().routers[1].active_router.as_ref().is_some_and(|active| active.priority == 150)
    });
    let second = a.status().routers.remove(1);
    assert_eq!((second.state, second.epoch, second.priority), (State::Active, 1, 150));
    assert!(a.has("10.77.0.100") && a.has("10.77.0.101"));
    reload(&a, &two(200, |router| router.with("addresses", "[10.77.0.102/24]")));
    wait_until("the address that was taken out is gone", || !a.has("10.77.0.101"));
    assert!(a.has("10.77.0.102"));
}

#[test]
fn a_priority_below_the_peers_gives_the_role_away() {
    let mut lab = Lab::new();
    let (a, mut b) = pair(&mut lab);

    reload(&a, &two(200, |router| router.with("priority", 50)));

    becomes(&b, "second", State::Active);
    becomes(&a, "second", State::Backup);
    assert!(b.has("10.77.0.101"));
    assert_eq!(a.router().state, State::Active);
}

#[test]
fn another_vrid_leaves_the_role_in_order_and_starts_anew() {
    let mut lab = Lab::new();
    let (mut a, mut b) = pair(&mut lab);
    let mut wire = lab.listen();

    let told = reload(&a, &two(200, |router| router.with("vrid", 53)));

    assert_eq!(told, "db: unchanged\nsecond: leaves its role in order and starts anew: vrid 52 -> 53\n");
    wire.wait_for("Priority 0 for the former VRID", |seen| {
        seen.host == a.host() && matches!(seen.what, Sight::Advertisement { vrid: 52, priority: 0, .. })
    });
    becomes(&b, "second", State::Active);
    assert!(b.has("10.77.0.101"));
    reload(&b, &two(100, |router| router.with("vrid", 53)));
    becomes(&a, "second", State::Active);
    becomes(&b, "second", State::Backup);
    assert!(a.has("10.77.0.101") && !b.has("10.77.0.101"));
    assert_eq!((a.router().epoch, b.router().epoch), (1, 0));
}

#[test]
fn routers_come_and_go_and_their_places_are_used_again() {
    let mut lab = Lab::new();
    let (mut a, mut b) = pair(&mut lab);
    for round in 0..3 {
        reload(&a, &[Router::pair(200)]);
        assert_eq!(names(&a), ["db"]);
        becomes(&b, "second", State::Active);
        assert!(!a.has("10.77.0.101") && b.has("10.77.0.101"), "round {round}");

        reload(&a, &two(200, same));
        becomes(&a, "second", State::Active);
        becomes(&b, "second", State::Backup);
        assert!(a.has("10.77.0.101") && !b.has("10.77.0.101"), "round {round}");
    }
    assert_eq!(a.router().epoch, 1);
    assert_eq!(a.vipd(&["drain", "second", "--wait"]).status.code(), Some(0));
    becomes(&b, "second", State::Active);
    assert_eq!(a.router().state, State::Active);
}

#[test]
fn a_bad_file_is_refused_as_a_whole_and_does_not_come_back_after_a_crash() {
    let mut lab = Lab::new();
    let (mut a, b) = pair(&mut lab);
    let good = fs::read_to_string(a.config()).unwrap();
    let bad = good.replace("priority: 200", "priority: 50").replace("vrid: 52", "vrid: 512");
    fs::write(a.config(), bad).unwrap();

    let output = a.vipd(&["reload"]);

    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("`vrid` is 512"), "{output:?}");
    a.signal(Signal::SIGHUP);
    a.logs("the running configuration stays");
    assert!(a.status().routers.iter().all(|router| (router.state, router.priority) == (State::Active, 200)));
    let agent = a.agent();
    kill(agent, Signal::SIGKILL).unwrap();
    wait_until("another agent answers", || {
        a.try_status().is_ok_and(|it| it.agent.pid != agent.as_raw().cast_unsigned())
    });
    a.becomes(State::Active);
    assert!(a.status().routers.iter().all(|router| router.priority == 200));
    b.becomes(State::Backup);
    assert!(a.has("10.77.0.100") && a.has("10.77.0.101"));
}

#[test]
fn a_dry_run_tells_the_difference_and_changes_nothing() {
    let mut lab = Lab::new();
    let (a, _b) = pair(&mut lab);
    a.configure(&[
        Router::pair(150),
        Router::pair(200).with("name", "third").with("vrid", 54).with("addresses", "[10.77.0.103]"),
    ]);

    let output = a.vipd(&["reload", "--dry-run"]);

    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "db: changed in place: priority 200 -> 150\nthird: added\nsecond: removed, after it has left its role in order\n\
         nothing is applied: this was a dry run\n"
    );
    assert_eq!((a.router().priority, names(&a)), (200, vec!["db".to_owned(), "second".to_owned()]));
}

#[test]
fn what_needs_a_restart_is_refused_with_that_advice() {
    let mut lab = Lab::new();
    let (a, _b) = pair(&mut lab);
    let good = fs::read_to_string(a.config()).unwrap();
    fs::write(a.config(), format!("realtime: off\n{good}")).unwrap();

    let output = a.vipd(&["reload"]);

    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: `realtime` cannot change while the agent runs\nhint: restart the agent: `systemctl restart vipd`\n"
    );
}

#[test]
fn sighup_applies_the_file_too() {
    let mut lab = Lab::new();
    let (a, _b) = pair(&mut lab);
    a.configure(&two(200, |router| router.with("priority", 150)));

    a.signal(Signal::SIGHUP);

    wait_until("the new priority", || a.status().routers[1].priority == 150);
    a.logs("second: changed by a reload");
}

#[test]
fn the_guardian_cleans_up_what_a_reload_brought_and_the_next_agent_runs_with_it() {
    let mut lab = Lab::new();
    let (mut a, b) = (lab.node(1), lab.node(2));
    a.run(&[Router::pair(200)]);
    a.becomes(State::Active);
    let slow = |router: Router| router.with("advertisement_interval", "500ms");
    reload(&a, &two(200, slow));
    a.becomes(State::Active);
    // It is what was applied that counts, not the file.
    a.configure(&[Router::pair(200)]);
    let mut wire = lab.listen();
    let agent = a.agent();

    kill(agent, Signal::SIGKILL).unwrap();

    wire.wait_for("Priority 0 of the router that was added", |seen| {
        seen.host == a.host() && matches!(seen.what, Sight::Advertisement { vrid: 52, priority: 0, .. })
    });
    wait_until("another agent answers", || {
        a.try_status().is_ok_and(|it| it.agent.pid != agent.as_raw().cast_unsigned())
    });
    a.becomes(State::Active);
    assert_eq!(names(&a), ["db", "second"]);
    assert!(a.has("10.77.0.100") && a.has("10.77.0.101"));
    drop(b);
}

#[test]
fn a_drained_router_stays_out_when_it_starts_anew_and_forgets_it_when_it_was_removed() {
    let mut lab = Lab::new();
    let (a, b) = pair(&mut lab);
    assert_eq!(a.vipd(&["drain", "second", "--wait"]).status.code(), Some(0));

    reload(&a, &two(200, |router| router.with("vrid", 53)));
    becomes(&a, "second", State::Aside);
    reload(&a, &[Router::pair(200)]);
    reload(&a, &two(200, same));

    becomes(&a, "second", State::Active);
    becomes(&b, "second", State::Backup);
}

#[test]
fn from_unicast_to_the_group_and_back_the_nodes_go_on_hearing_each_other() {
    let mut lab = Lab::new();
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    a.run(&[Router::unicast_pair(200, "10.77.0.2")]);
    b.run(&[Router::unicast_pair(100, "10.77.0.1")]);
    a.becomes(State::Active);
    b.after_hearing(2);

    for (first, second) in [
        (Router::pair(200), Router::pair(100)),
        (Router::unicast_pair(200, "10.77.0.2"), Router::unicast_pair(100, "10.77.0.1")),
    ] {
        // In between one speaks as the other does not hear: the Backup first, so that it waits for less than it can bear.
        reload(&b, &[second.with("preempt", false)]);
        reload(&a, &[first]);
        b.becomes(State::Backup);
        b.after_hearing(5);
    }

    assert_eq!(a.router().state, State::Active);
    assert_eq!(b.router().state, State::Backup);
}

#[test]
fn a_router_that_starts_anew_under_the_same_vrid_waits_until_its_former_self_has_left() {
    let mut lab = Lab::new();
    let mut a = lab.node(1);
    let addresses: Vec<String> = (1..=200).map(|number| format!("10.77.1.{number}")).collect();
    // So many take the kernel some time to remove.
    let router = Router::version_2_pair(200).with("addresses", format_args!("[{}]", addresses.join(", ")));
    a.run(std::slice::from_ref(&router));
    a.becomes(State::Active);
    let mut wire = lab.listen();

    reload(&a, &[router.with("version", 3).with("advertisement_interval", "100ms")]);

    let mut left = false;
    let version = |seen: &Seen| match seen.what {
        Sight::Advertisement { version, priority, .. } => Some((version, priority)),
        Sight::Announcement(_) | Sight::Other => None,
    };
    let seen = wire.until("an advertisement of the new version", |seen| {
        left |= version(seen) == Some((2, 0));
        version(seen).is_some_and(|(version, _)| version == 3)
    });
    assert!(left, "the former self did not say Priority 0 first: {seen:?}");
    a.becomes(State::Active);
    assert_eq!(a.addresses().iter().filter(|known| known.address.to_string().starts_with("10.77.1.")).count(), 200);
    assert_eq!(a.router().failures, 0);
}
