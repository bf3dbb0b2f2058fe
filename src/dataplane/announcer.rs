//! Tells the neighbours who has an address now: which frames, and when. No I/O: frames are made, not sent.

use core::time::Duration;
use std::fs;
use std::net::IpAddr;

use vrrp_packet::{arp, ndp};

use super::plan::Announce;

/// Holds one announcement, ready to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Frame {
    /// The interface that it leaves on.
    pub(super) index: u32,
    content: Content,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Content {
    Arp([u8; arp::FRAME_LENGTH]),
    NeighborAdvertisement([u8; ndp::FRAME_LENGTH]),
}

impl Frame {
    /// Makes the announcement of an address; `router` says whether the host forwards IPv6 packets.
    pub(super) fn new(index: u32, mac: [u8; 6], address: IpAddr, router: bool) -> Self {
        let content = match address {
            IpAddr::V4(address) => Content::Arp(arp::gratuitous_request(mac, address)),
            IpAddr::V6(address) => Content::NeighborAdvertisement(ndp::unsolicited_advertisement(mac, address, router)),
        };
        Self { index, content }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Arp(bytes) => bytes,
            Content::NeighborAdvertisement(bytes) => bytes,
        }
    }
}

/// Tells whether the host forwards IPv6 packets that arrive on an interface: the Router flag of RFC 4861 §4.4.
pub(super) fn forwards(interface: &str) -> bool {
    // Without IPv6 there is no such file, and no Neighbor Advertisement to be sent either.
    fs::read_to_string(format!("/proc/sys/net/ipv6/conf/{interface}/forwarding"))
        .is_ok_and(|setting| setting.trim() != "0")
}

/// Knows when the next round of a router's announcements is due. Times are nanoseconds since boot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Schedule {
    announce: Announce,
    due: Option<u64>,
    /// The rounds of this burst that are left.
    left: u8,
    /// When the second burst begins; `None` when it has begun or there is none.
    second: Option<u64>,
}

impl Schedule {
    /// Begins the first burst now.
    pub(super) fn begin(announce: Announce, now: u64) -> Self {
        let second = Some(after(now, announce.delay)).filter(|_| !announce.delay.is_zero());
        Self { announce, due: Some(now), left: announce.repeat.max(1), second }
    }

    /// Returns when the next round is due.
    pub(super) fn due(&self) -> Option<u64> {
        self.due
    }

    /// Takes the round that has been sent off the list.
    pub(super) fn sent(&mut self, now: u64) {
        self.left = self.left.saturating_sub(1);
        self.due = if self.left > 0 {
            Some(after(now, self.announce.interval))
        } else if let Some(second) = self.second.take() {
            self.left = self.announce.repeat.max(1);
            Some(second.max(now))
        } else {
            Some(after(now, self.announce.refresh)).filter(|_| !self.announce.refresh.is_zero())
        };
    }
}

fn after(now: u64, span: Duration) -> u64 {
    now.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn announce() -> Announce {
        Announce {
            repeat: 2,
            interval: Duration::from_millis(10),
            delay: Duration::from_secs(5),
            refresh: Duration::from_secs(60),
        }
    }

    #[test]
    fn a_burst_at_once_another_after_the_delay_then_single_rounds() {
        let mut schedule = Schedule::begin(announce(), SECOND);
        let mut times = Vec::new();
        for _ in 0..6 {
            let due = schedule.due().unwrap_or_default();
            times.push(due);
            schedule.sent(due);
        }

        let millis: Vec<u64> = times.iter().map(|time| time / 1_000_000).collect();
        assert_eq!(millis, [1000, 1010, 6000, 6010, 66_010, 126_010]);
    }

    #[test]
    fn without_delay_and_refresh_one_burst_is_all() {
        let only = Announce { delay: Duration::ZERO, refresh: Duration::ZERO, ..announce() };
        let mut schedule = Schedule::begin(only, SECOND);

        schedule.sent(SECOND);
        schedule.sent(SECOND);

        assert_eq!(schedule.due(), None);
    }
}
