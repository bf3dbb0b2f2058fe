//! Suspicion: the host of a late Active Router is asked whether it lives.

use vipd::control::State;

use crate::lab::{Lab, Node, Router};

const GONE: &str = "is silent and its host does not answer";
const SILENT: &str = "the Active Router was not heard for Active_Down_Interval";

fn probing(router: Router) -> Router {
    router.with("probe", "{ count: 3, interval: 10ms }").with("preempt", false)
}

fn pair(lab: &mut Lab, router: impl Fn(u8) -> Router) -> (Node, Node) {
    let (mut a, mut b) = (lab.node(1), lab.node(2));
    a.run(&[probing(router(200))]);
    a.becomes(State::Active);
    b.run(&[probing(router(100))]);
    b.after_hearing(2);
    (a, b)
}

#[test]
fn a_host_that_does_not_answer_is_replaced_before_active_down_interval() {
    let mut lab = Lab::new();
    let (a, b) = pair(&mut lab, |priority| Router::pair(priority).with("advertisement_interval", "1s"));

    lab.set_cut(&a, "eth0", true);

    b.becomes(State::Active);
    b.logs(GONE);
    assert!(!b.log().contains(SILENT), "{}", b.log());
    assert_eq!(b.router().traffic.probed, 1);
}

#[test]
fn an_ipv6_host_that_does_not_answer_is_replaced_too() {
    let mut lab = Lab::new();
    let (a, b) = pair(&mut lab, |priority| Router::ipv6_pair(priority).with("advertisement_interval", "1s"));

    lab.set_cut(&a, "eth0", true);

    b.becomes(State::Active);
    b.logs(GONE);
}

#[test]
fn a_host_that_answers_although_its_agent_is_silent_is_left_to_active_down_timer() {
    for router in [Router::pair, Router::ipv6_pair] {
        let mut lab = Lab::new();
        let (a, b) = pair(&mut lab, |priority| router(priority).with("advertisement_interval", "200ms"));

        a.stop_all();

        b.becomes(State::Active);
        b.logs(SILENT);
        assert!(!b.log().contains(GONE), "{}", b.log());
        assert_eq!(b.router().traffic.probed, 1);
    }
}

#[test]
fn a_host_whose_ethernet_address_changed_is_still_found() {
    let mut lab = Lab::new();
    let (mut a, mut b) = pair(&mut lab, |priority| Router::pair(priority).with("advertisement_interval", "200ms"));
    let index = b.index("eth0");
    let wrong = [2, 0, 0, 0, 0, 0x77];
    vipd::net::link::set_neighbour(b.netlink(), index, "10.77.0.1".parse().unwrap(), wrong).unwrap();

    a.stop_all();

    b.becomes(State::Active);
    b.logs(SILENT);
    assert!(a.has("10.77.0.100"));
}
