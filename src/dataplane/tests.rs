#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod claims;
mod following;
mod installing;
mod leases;
mod leftovers;
mod permission;
mod speed;

use core::time::Duration;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use tempfile::TempDir;

use super::*;
use crate::net::link::{self, LinkAddress};
use crate::net::privileges::{Capability, missing};
use crate::net::{FrameSocket, Namespace, Netlink};

const PATIENCE: Duration = Duration::from_secs(10);

/// Stands in for the guardian.
#[derive(Default, Debug)]
struct Overseen {
    superseded: AtomicBool,
    /// How many milliseconds the thread last asked for; 0: it has ended or not begun.
    promised: AtomicU64,
}

impl Oversight for Arc<Overseen> {
    fn promise(&self, again_within: Option<Duration>) {
        self.promised.store(again_within.map_or(0, |span| span.as_millis() as u64), Ordering::SeqCst);
    }

    fn is_superseded(&self) -> bool {
        self.superseded.load(Ordering::SeqCst)
    }
}

/// A host with `eth0` up, 10.77.0.1/24 and fe80::1 on it, and a neighbour at the other end of the cable.
struct Lab {
    host: Namespace,
    neighbour: Namespace,
    netlink: Netlink,
    eth0: u32,
    folder: TempDir,
    overseen: Arc<Overseen>,
}

impl Lab {
    fn new() -> Self {
        let wanted = [Capability::CAP_SYS_ADMIN, Capability::CAP_NET_ADMIN, Capability::CAP_NET_RAW];
        if let Some(missing) = missing(&wanted).first() {
            panic!("this test makes network namespaces and needs {missing}: run it as root");
        }
        let (host, neighbour) = (Namespace::new().unwrap(), Namespace::new().unwrap());
        let netlink = Netlink::open_in(&host).unwrap();
        let mut lab =
            Self { host, neighbour, netlink, eth0: 0, folder: TempDir::new().unwrap(), overseen: Arc::default() };
        lab.plug();
        lab
    }

    /// Makes `eth0`, with a new index each time.
    fn plug(&mut self) {
        link::create_veth(&mut self.netlink, "eth0", &self.host, "far", &self.neighbour).unwrap();
        self.eth0 = link::index_of(&mut self.netlink, "eth0").unwrap().unwrap();
        let mut far_link = Netlink::open_in(&self.neighbour).unwrap();
        let far = link::index_of(&mut far_link, "far").unwrap().unwrap();
        link::set_up(&mut far_link, far).unwrap();
        link::set_up(&mut self.netlink, self.eth0).unwrap();
        self.add("10.77.0.1", 24);
        self.add("fe80::1", 64);
        self.eventually("eth0 runs", |lab| {
            link::links(&mut lab.netlink).unwrap().iter().any(|link| link.name == "eth0" && link.running)
        });
    }

    fn add(&mut self, address: &str, prefix: u8) {
        link::add_address(&mut self.netlink, self.eth0, address.parse().unwrap(), prefix).unwrap();
    }

    fn remove(&mut self, address: &str, prefix: u8) {
        link::remove_address(&mut self.netlink, self.eth0, address.parse().unwrap(), prefix).unwrap();
    }

    fn find(&mut self, address: &str) -> Option<LinkAddress> {
        let wanted: IpAddr = address.parse().unwrap();
        let all = link::links(&mut self.netlink).unwrap().into_iter().flat_map(|link| link.addresses);
        all.into_iter().find(|known| known.address == wanted)
    }

    fn eventually(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            assert!(Instant::now() < deadline, "never came true: {what}");
        }
    }

    fn state_file(&self) -> PathBuf {
        self.folder.path().join("addresses")
    }

    fn start(&self, plans: &[Plan]) -> Running {
        self.start_with(plans, |_| {})
    }

    /// Starts the address thread; `hear` is called on it with each answer, after the answer was handed over.
    fn start_with(&self, plans: &[Plan], hear: impl Fn(Answer) + Send + 'static) -> Running {
        let (answer, answers) = channel();
        let (report, reports) = channel();
        let state_file = self.state_file();
        let start = || {
            let frames = FrameSocket::open().unwrap();
            let oversight = Box::new(Arc::clone(&self.overseen));
            let settings = Settings { realtime: None, state_file, frames, places: 8, oversight };
            let answer = move |event| {
                let _ = answer.send(event);
                hear(event);
            };
            start(plans.to_vec(), settings, answer, move |event| drop(report.send(event)))
        };
        let handle = self.host.enter(start).unwrap().unwrap();
        Running { handle, answers, reports }
    }
}

/// A running address thread.
struct Running {
    handle: DataplaneHandle,
    answers: Receiver<Answer>,
    reports: Receiver<Report>,
}

impl Running {
    fn claim(&self, router: usize, epoch: u64) -> Answer {
        self.handle.order(Order::Claim { router, epoch }).unwrap();
        self.answer()
    }

    fn withdraw(&self, router: usize, epoch: u64) -> Answer {
        self.handle.order(Order::Withdraw { router, epoch }).unwrap();
        self.answer()
    }

    /// Waits for the next answer that is not about an interface.
    fn answer(&self) -> Answer {
        loop {
            match self.answers.recv_timeout(PATIENCE) {
                Ok(Answer::Interface { .. }) => {}
                Ok(answer) => return answer,
                Err(error) => panic!("no answer: {error}; reports: {:?}", self.texts()),
            }
        }
    }

    /// Waits until an interface is told to be as wanted.
    fn interface(&self, wanted: impl Fn(&InterfaceState) -> bool) -> InterfaceState {
        loop {
            let answer = self.answers.recv_timeout(PATIENCE).unwrap();
            if let Answer::Interface { state, .. } = answer
                && wanted(&state)
            {
                return state;
            }
        }
    }

    fn report(&self) -> Report {
        self.reports.recv_timeout(PATIENCE).unwrap()
    }

    fn texts(&self) -> Vec<String> {
        self.reports.try_iter().map(|report| report.to_string()).collect()
    }

    /// Ends the thread and waits for its end.
    fn stop(&self) {
        self.handle.shutdown();
        loop {
            match self.answers.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => panic!("the address thread did not end"),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

fn planned(address: &str, prefix: u8) -> PlannedAddress {
    PlannedAddress { address: address.parse().unwrap(), prefix, dev: None, label: None, scope: Scope::Global }
}

fn plan(addresses: &[(&str, u8)]) -> Plan {
    Plan {
        interface: "eth0".to_owned(),
        source: None,
        addresses: addresses.iter().map(|(address, prefix)| planned(address, *prefix)).collect(),
        lease: Some(Duration::from_secs(3)),
        // Nobody vouches for anything here, except where that is the subject.
        silence: Duration::MAX,
        announce: Announce {
            repeat: 2,
            interval: Duration::from_millis(1),
            delay: Duration::ZERO,
            refresh: Duration::ZERO,
        },
        source_ok: false,
        owner: false,
    }
}
