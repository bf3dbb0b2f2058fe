//! A departure that takes the kernel long enough for an order that is wrong to be seen.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use vipd::control::State;
use vipd::net::netlink::{Monitor, MonitorEvent};

use super::{Lab, Node, Router, Sight, Wire};

const ROUTERS: u8 = 5;
const ADDRESSES: u8 = 200;
/// What a hand-over may take on a busy machine; a take-over at 500 ms takes 1.8 s.
const PROMPT: Duration = Duration::from_millis(1_000);

/// Describes what one of a pair runs.
fn routers(priority: u8) -> Vec<Router> {
    let one = |number: u8| {
        let addresses: Vec<String> = (1..=ADDRESSES).map(|host| format!("10.77.{number}.{host}")).collect();
        let router = Router::pair(priority).with("name", format_args!("r{number}")).with("vrid", number);
        router.with("addresses", format_args!("[{}]", addresses.join(", "))).with("advertisement_interval", "500ms")
    };
    (1..=ROUTERS).map(one).collect()
}

/// A pair in which the first has every role and a thousand addresses.
pub(crate) struct Departure {
    pub(crate) a: Node,
    pub(crate) b: Node,
    wire: Wire,
    events: Monitor,
}

impl Departure {
    pub(crate) fn prepare(lab: &mut Lab) -> Self {
        let (mut a, mut b) = (lab.node(1), lab.node(2));
        a.run(&routers(200));
        b.run(&routers(100));
        a.becomes(State::Active);
        for number in 0..usize::from(ROUTERS) {
            super::wait_until("the second follows the first", || b.status().routers[number].active_router.is_some());
        }
        assert_eq!(claimed(&mut a), usize::from(ROUTERS) * usize::from(ADDRESSES));
        Self { wire: lab.listen(), events: a.watch_addresses(), a, b }
    }

    /// Sees for each router that its addresses are gone when its Priority 0 passes, and that the other follows at once.
    pub(crate) fn is_in_order(&mut self) {
        let Self { a, b, wire, events } = self;
        let mut gone = BTreeSet::new();
        let (mut farewells, mut followed) = (BTreeMap::new(), BTreeMap::new());
        wire.until("every router changes hands", |seen| {
            let Sight::Advertisement { vrid, .. } = seen.what else { return false };
            if seen.is_farewell_of(a) {
                gone.extend(addresses_gone(events));
                let left = (1..=ADDRESSES).filter(|host| !gone.contains(&IpAddr::from([10, 77, vrid, *host]))).count();
                assert_eq!(left, 0, "addresses of router {vrid} were there after its Priority 0");
                farewells.insert(vrid, seen.at);
            } else if seen.is_advertisement_of(b) {
                followed.entry(vrid).or_insert(seen.at);
            }
            farewells.len() == usize::from(ROUTERS) && followed.len() == usize::from(ROUTERS)
        });
        for (vrid, farewell) in farewells {
            let wait = followed[&vrid].checked_sub(farewell).expect("it follows, it does not run ahead");
            assert!(wait < PROMPT, "router {vrid} was followed after {wait:?}");
        }
        b.becomes(State::Active);
        assert_eq!(claimed(b), usize::from(ROUTERS) * usize::from(ADDRESSES));
    }
}

fn claimed(node: &mut Node) -> usize {
    node.addresses().iter().filter(|known| known.address.is_ipv4() && known.prefix == 32).count()
}

fn addresses_gone(events: &mut Monitor) -> Vec<IpAddr> {
    let gone = |event| match event {
        MonitorEvent::AddressGone(change) => Some(change.address.address),
        MonitorEvent::Overrun => panic!("the kernel dropped notifications"),
        MonitorEvent::Address(_) | MonitorEvent::Link(_) | MonitorEvent::LinkGone { .. } => None,
    };
    core::iter::from_fn(|| events.next_event().unwrap()).filter_map(gone).collect()
}
