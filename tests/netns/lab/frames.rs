//! Frames that a test makes itself and puts on the wire as if another router had sent them.

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

use pnet::util::checksum;
use vipd::net::{FrameSocket, wall_nanos};
use vrrp_packet::{ChecksumForm, Interval, IpHeader, Key, Outgoing, Priority, Sequence, UnixTime, Version, Vrid};

use super::{Node, ip};

/// The group's Ethernet address (RFC 1112 §6.4).
const GROUP_MAC: [u8; 6] = [0x01, 0x00, 0x5e, 0x00, 0x00, 0x12];
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

/// Sends IPv4 packets of protocol 112 from a host that runs no agent.
pub(crate) struct Frames {
    socket: FrameSocket,
    index: u32,
    /// Where the packets claim to come from.
    pub(crate) source: Ipv4Addr,
    /// The time to live that they carry.
    pub(crate) hop_limit: u8,
    destination: ([u8; 6], Ipv4Addr),
}

impl Frames {
    /// Sends from a host's `eth0` to the group, under the host's own address.
    pub(crate) fn from(node: &mut Node) -> Self {
        let index = node.index("eth0");
        Self {
            socket: node.namespace().enter(FrameSocket::open).unwrap().unwrap(),
            index,
            source: Ipv4Addr::new(10, 77, 0, node.host()),
            hop_limit: 255,
            destination: (GROUP_MAC, GROUP),
        }
    }

    /// Sends to one host from now on.
    pub(crate) fn address_to(&mut self, node: &Node) {
        self.destination = (node.mac(), Ipv4Addr::new(10, 77, 0, node.host()));
    }

    /// Writes a sound advertisement of version 3 for VRID 51 and 10.77.0.100, every 100 ms.
    pub(crate) fn advertisement(&self, priority: u8) -> Vec<u8> {
        self.write(&version_3(priority, &[ip("10.77.0.100")]))
    }

    /// Writes a sound advertisement of version 2 for VRID 51 and 10.77.0.100, every second.
    pub(crate) fn version_2(&self, priority: u8, password: Option<[u8; 8]>) -> Vec<u8> {
        self.write(&Outgoing {
            version: Version::V2,
            vrid: Vrid::new(51).unwrap(),
            priority: Priority::new(priority),
            interval: Interval::from_seconds(1).unwrap(),
            addresses: &[ip("10.77.0.100")],
            checksum: ChecksumForm::Message,
            password,
        })
    }

    /// Writes the advertisement of [`Self::advertisement`], signed with a key now.
    pub(crate) fn signed(&self, priority: u8, key: &Key) -> Vec<u8> {
        let now = UnixTime::new(Duration::from_nanos(wall_nanos()));
        let addresses = [ip("10.77.0.100")];
        let mut payload = Vec::new();
        let outgoing = version_3(priority, &addresses);
        outgoing.emit_signed_into(&self.header(), key, Sequence::at(now), &mut payload).unwrap();
        payload
    }

    fn write(&self, outgoing: &Outgoing<'_>) -> Vec<u8> {
        let mut payload = Vec::new();
        outgoing.emit_into(&self.header(), &mut payload).unwrap();
        payload
    }

    fn header(&self) -> IpHeader {
        IpHeader { source: self.source.into(), destination: self.destination.1.into(), hop_limit: 255 }
    }

    /// Sends a payload.
    pub(crate) fn send(&self, payload: &[u8]) {
        let (mac, destination) = self.destination;
        let mut packet = vec![0x45, 0xc0, 0, 0, 0, 0, 0, 0, self.hop_limit, 112, 0, 0];
        let length = u16::try_from(20 + payload.len()).unwrap();
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        packet.extend(self.source.octets());
        packet.extend(destination.octets());
        let sum = checksum(&packet, 5);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        packet.extend(payload);
        let mut frame = mac.to_vec();
        frame.extend([2, 0, 0, 0, 0, self.source.octets()[3], 0x08, 0x00]);
        frame.extend(packet);
        self.send_frame(&frame);
    }

    /// Sends a whole frame, such as one that was recorded.
    pub(crate) fn send_frame(&self, frame: &[u8]) {
        self.socket.send(self.index, frame).unwrap();
    }
}

fn version_3(priority: u8, addresses: &[IpAddr]) -> Outgoing<'_> {
    Outgoing {
        version: Version::V3,
        vrid: Vrid::new(51).unwrap(),
        priority: Priority::new(priority),
        interval: Interval::from_centis(10).unwrap(),
        addresses,
        checksum: ChecksumForm::Message,
        password: None,
    }
}

/// Makes a frame that means nothing to anybody (EtherType 0x88b5, free for experiments).
pub(super) fn experiment(source: [u8; 6]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 255];
    frame.extend(source);
    frame.extend([0x88, 0xb5]);
    frame.resize(60, 0);
    frame
}

/// Puts the checksum of a version 3 message right after it was changed.
pub(crate) fn sealed(mut payload: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&payload, 3);
    payload[6..8].copy_from_slice(&sum.to_be_bytes());
    payload
}
