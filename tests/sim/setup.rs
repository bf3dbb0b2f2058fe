//! What a world is made of: its nodes, their settings, their clocks and kernels, and the LAN between them.

use core::num::NonZeroU8;
use core::ops::Range;
use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

use vipd::election::{Gate, Probe, Settings};
use vrrp_packet::{Interval, Priority, Version};

use crate::clock::{Clock, MS, SECOND};
use crate::random::Random;

/// The most nodes of a world.
pub(crate) const MOST: usize = 5;

#[derive(Clone, Debug)]
pub(crate) struct NodeSetup {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    /// The kernel lifetime of claimed addresses in seconds.
    pub(crate) lease: u32,
    /// How late a thread runs that a timer wakes.
    pub(crate) lateness: u64,
    /// The longest that its kernel takes for one request.
    pub(crate) kernel: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) nodes: Vec<NodeSetup>,
    /// How long a message is on its way.
    pub(crate) way: Range<u64>,
    /// How long a gate takes to open or to close.
    pub(crate) gate: Range<u64>,
}

impl Setup {
    /// A network without surprises: one interval, priorities so far apart that Skew_Time tells the nodes apart in time.
    pub(crate) fn quiet(random: &mut Random) -> Self {
        let count = random.pick(&[2, 2, 2, 3, 3, 4, 5]);
        let version = random.pick(&[Version::V2, Version::V3, Version::V3]);
        let interval = interval(random, version);
        let preempt = random.percent(60);
        let steps: u8 = 220 / u8::try_from(count).unwrap_or(1);
        let owned = random.percent(8);
        let mut setup = Self::of(random, count, |random, index| {
            let last = u8::try_from(index).unwrap_or(0);
            let priority = if owned && index == 0 { 255 } else { 240 - steps * last - below(random, 4) };
            settings(version, priority, interval, preempt, index)
        });
        let skew = interval.duration().as_nanos() as u64 / 256;
        let fastest = if version == Version::V2 { SECOND / 256 } else { skew };
        // A successor must be heard by the next one before that one's turn: two ways, and what the threads are late.
        setup.way = MS / 50..(u64::from(steps) - 5) * fastest / 8;
        let delay = if random.percent(20) { random.within(1..40) * 50 * MS } else { 0 };
        let startup = if random.percent(20) { random.within(1..8) * nanos(interval.duration()) } else { 0 };
        let probe = probe(random);
        let gated = random.percent(30) && !owned;
        let gate = setup.gate.end;
        for node in &mut setup.nodes {
            node.lateness = node.lateness.min(setup.way.end / 4);
            node.kernel = node.kernel.min(nanos(interval.duration()) / 10);
            node.settings.preempt_delay = Duration::from_nanos(delay);
            node.settings.startup_delay = Duration::from_nanos(startup);
            node.settings.fast_handover = count == 2;
            node.settings.probe = probe;
            let gated = gated && !node.settings.priority.is_owner();
            node.settings.gate = gated.then_some(Gate { bound: Duration::from_nanos(gate + 10 * MS) });
        }
        setup
    }

    /// Anything that the configuration lets pass.
    pub(crate) fn wild(random: &mut Random) -> Self {
        let count = random.pick(&[2, 2, 2, 3, 3, 4, 5]);
        let version = random.pick(&[Version::V2, Version::V3, Version::V3, Version::V3]);
        let common = interval(random, version);
        let mixed = version == Version::V3 && random.percent(25);
        let fast = count == 2 && random.percent(60);
        let gated = random.percent(30);
        let mut setup = Self::of(random, count, |random, index| {
            let interval = if mixed && random.percent(50) { interval(random, version) } else { common };
            let priority = random.pick(&[1, 50, 100, 100, 101, 150, 200, 254]);
            let preempt = random.percent(60);
            settings(version, priority, interval, preempt, index)
        });
        let bound = Duration::from_nanos(setup.gate.end + 10 * MS);
        for node in &mut setup.nodes {
            let step = nanos(node.settings.interval.duration());
            let delay = |random: &mut Random| if random.percent(20) { random.within(1..6) * step } else { 0 };
            node.settings.preempt_delay = Duration::from_nanos(delay(random));
            node.settings.startup_delay = Duration::from_nanos(delay(random));
            node.settings.fast_handover = fast;
            node.settings.probe = probe(random);
            node.settings.gate = (gated && random.percent(90)).then_some(Gate { bound });
        }
        setup
    }

    fn of(random: &mut Random, count: usize, mut settings: impl FnMut(&mut Random, usize) -> Settings) -> Self {
        let nodes = (0..count).map(|index| NodeSetup {
            settings: settings(random, index),
            clock: Clock { ahead: random.within(1..100) * SECOND, rate: 1_000_000 + random.within(0..401) - 200 },
            lease: random.pick(&[2, 3, 3, 3, 5]),
            lateness: random.within(1..200) * 1000,
            kernel: random.within(1..8) * MS / 4,
        });
        let nodes = nodes.collect();
        Self { nodes, way: MS / 50..random.within(1..10) * MS / 10, gate: MS..random.within(2..60) * MS }
    }
}

/// Short and long ones, so that leases, backoffs and Active_Down_Intervals end in every order.
fn interval(random: &mut Random, version: Version) -> Interval {
    let centis = match version {
        Version::V2 => 100,
        Version::V3 => random.pick(&[1, 2, 5, 10, 10, 20, 50, 100, 100, 200]),
    };
    Interval::from_centis(centis).expect("1 to 200 are in range")
}

fn settings(version: Version, priority: u8, interval: Interval, preempt: bool, index: usize) -> Settings {
    let last = u8::try_from(index).unwrap_or(0);
    Settings {
        version,
        priority: Priority::new(priority),
        interval,
        preempt,
        preempt_delay: Duration::ZERO,
        startup_delay: Duration::ZERO,
        fast_handover: false,
        probe: None,
        gate: None,
        source: address_of(last),
        drained: false,
    }
}

/// Not in the order of the nodes, so that ties are not always broken in the same direction.
pub(crate) fn address_of(node: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, [20, 40, 10, 30, 50, 60][usize::from(node) % 6]))
}

/// Whether a silent host is asked, and how soon.
fn probe(random: &mut Random) -> Option<Probe> {
    let after = NonZeroU8::new(if random.percent(70) { 1 } else { 2 })?;
    random.percent(25).then_some(Probe { after })
}

fn below(random: &mut Random, bound: u64) -> u8 {
    u8::try_from(random.within(0..bound)).unwrap_or(0)
}

pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
