//! The measuring tools, tried on hand-overs that are done by hand and so known.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::net::IpAddr;

use super::lab::Lab;
use super::measure::{Timeline, figures};
use super::plan::{PREFIX, VIRTUAL_ADDRESS};
use super::probe::Probe;
use super::watch::Watch;
use super::*;
use crate::net::privileges::{Capability, missing};
use crate::net::{FrameSocket, Netlink, boot_nanos, link};

const PAUSE: Duration = Duration::from_millis(60);
/// What a busy machine may add to a pause.
const SLACK: f64 = 250.0;

/// Holds a lab in which the test itself moves the address.
struct Bench {
    probe: Probe,
    watch: Watch,
    lab: Lab,
    patience: Patience,
}

impl Bench {
    /// Begins with the address on `a` and a client that is answered.
    fn new() -> Self {
        let wanted = [Capability::CAP_SYS_ADMIN, Capability::CAP_NET_ADMIN, Capability::CAP_NET_RAW];
        if let Some(missing) = missing(&wanted).first() {
            panic!("this test makes network namespaces and needs {missing}: run it as root");
        }
        let patience = Patience::new().unwrap();
        let lab = Lab::build(&patience).unwrap();
        let watch = Watch::start(&lab).unwrap();
        claim(&lab, Side::A);
        let probe = Probe::start(&lab).unwrap();
        let bench = Self { probe, watch, lab, patience };
        bench.wait_until_answered(Side::A, 0);
        bench
    }

    fn wait_until_answered(&self, by: Side, since: u64) {
        let answered = self.patience.until(Duration::from_secs(5), || self.probe.answered(by, since).then_some(()));
        assert!(answered.unwrap().is_some(), "{by:?} never answered");
    }

    fn pause(&self) {
        self.patience.rest(PAUSE).unwrap();
    }

    fn finish(self, quiet: u64, fault: u64) -> Timeline {
        self.pause();
        Timeline {
            quiet,
            fault,
            end: boot_nanos(),
            taker: Side::B,
            healed: None,
            silent: false,
            host_died: false,
            borne: None,
            was_away: false,
            stays: false,
            interval: Interval::from_centis(1).unwrap(),
            answers: self.probe.finish().unwrap(),
            observed: self.watch.finish().unwrap(),
        }
    }
}

/// Puts the virtual address on a host and announces it.
fn claim(lab: &Lab, side: Side) {
    let host = lab.host(side);
    let mut netlink = Netlink::open_in(&host.namespace).unwrap();
    link::add_address(&mut netlink, host.interface, IpAddr::V4(VIRTUAL_ADDRESS), PREFIX).unwrap();
    let announcement = vrrp_packet::arp::gratuitous_request(side.mac(), VIRTUAL_ADDRESS);
    let frames = host.namespace.enter(FrameSocket::open).unwrap().unwrap();
    frames.send(host.interface, &announcement).unwrap();
}

fn withdraw(lab: &Lab, side: Side) {
    let host = lab.host(side);
    let mut netlink = Netlink::open_in(&host.namespace).unwrap();
    link::remove_address(&mut netlink, host.interface, IpAddr::V4(VIRTUAL_ADDRESS), PREFIX).unwrap();
}

fn assert_about(measured: Millis, expected: Duration) {
    let expected = Millis::from(expected);
    let most = expected + Millis::new(SLACK);
    assert!(measured >= expected && measured < most, "{measured} is not about {expected}");
}

#[test]
fn a_gap_between_two_owners_is_an_outage_of_that_length() {
    let bench = Bench::new();
    let quiet = boot_nanos();
    bench.pause();
    let fault = boot_nanos();
    withdraw(&bench.lab, Side::A);
    bench.pause();
    claim(&bench.lab, Side::B);
    bench.wait_until_answered(Side::B, fault);

    let timeline = bench.finish(quiet, fault);

    let figures = figures(&timeline).unwrap();
    assert_about(figures.outage, PAUSE);
    assert_about(figures.takeover.unwrap(), PAUSE);
    assert_about(figures.no_owner, PAUSE);
    assert_eq!(figures.two_owners, Millis::new(0.0));
    assert!(figures.noise < Millis::from(PAUSE), "the quiet part has a gap of {}", figures.noise);
    assert_eq!(timeline.observed.host(Side::B).announcements.len(), 1);
}

#[test]
fn an_address_on_both_hosts_is_time_with_two_owners() {
    let bench = Bench::new();
    let quiet = boot_nanos();
    bench.pause();
    let fault = boot_nanos();
    claim(&bench.lab, Side::B);
    bench.pause();
    withdraw(&bench.lab, Side::A);
    bench.wait_until_answered(Side::B, fault);

    let figures = figures(&bench.finish(quiet, fault)).unwrap();

    assert_about(figures.two_owners, PAUSE);
    assert_eq!(figures.no_owner, Millis::new(0.0));
}

#[test]
fn a_host_that_is_cut_off_keeps_its_link_and_is_not_heard() {
    let mut bench = Bench::new();

    bench.lab.set_cut(Side::A, true).unwrap();

    let cut = boot_nanos();
    bench.pause();
    assert!(!bench.probe.answered(Side::A, cut + 1_000_000));
    let mut inside = Netlink::open_in(&bench.lab.host(Side::A).namespace).unwrap();
    let links = link::links(&mut inside).unwrap();
    assert!(links.iter().any(|link| link.name == plan::INTERFACE && link.running));
}
