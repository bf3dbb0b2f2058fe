//! Forged advertisements: what they say, who they claim to come from, and how they are signed. It sends nothing.

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

use pnet::packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet::packet::ip::IpNextHeaderProtocol;
use pnet::packet::ipv4::{MutableIpv4Packet, checksum};
use vrrp_packet::{
    ChecksumForm, IP_PROTOCOL, Interval, IpHeader, Key, KeyId, Outgoing, Priority, Sequence, UnixTime, Vrid,
};

use super::configuration::{KEY_ID, Transport};
use super::plan::{ATTACKER, Side, VERSION, VIRTUAL_ADDRESS, VRID};
use crate::net::{GROUP_V4, wall_nanos};

const ETHERNET_HEADER: usize = 14;
const IPV4_HEADER: usize = 20;
/// The group's Ethernet address (RFC 1112 §6.4).
const GROUP_MAC: [u8; 6] = [0x01, 0x00, 0x5e, 0x00, 0x00, 0x12];
/// A key that nobody else has.
const WRONG_SECRET: [u8; 32] = [0x66; 32];

/// Describes what is forged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forgery {
    /// The Advertisement_Interval of the nodes.
    pub(super) interval: Interval,
    /// How their advertisements travel.
    pub(super) transport: Transport,
    /// Whether they have keys: then the forger pretends to be their peer, without a signature and with a wrong one.
    pub(super) signed: bool,
}

impl Forgery {
    /// Makes advertisements to both nodes that would each move the role, or keep others from taking it.
    pub(super) fn frames(self) -> Vec<Vec<u8>> {
        let longest = Interval::from_centis(Interval::MAX_CENTIS).unwrap_or(self.interval);
        let kinds = [(255, self.interval), (250, self.interval), (0, self.interval), (250, longest)];
        let keys: &[Option<Key>] = if self.signed { &[None, wrong_key()] } else { &[None] };
        let mut frames = Vec::new();
        for target in Side::BOTH {
            for (priority, interval) in kinds {
                frames.extend(keys.iter().filter_map(|key| self.frame(target, priority, interval, key.as_ref())));
            }
        }
        frames
    }

    fn frame(self, target: Side, priority: u8, interval: Interval, key: Option<&Key>) -> Option<Vec<u8>> {
        let (mac, destination) = match self.transport {
            Transport::Unicast => (target.mac(), target.address()),
            Transport::Multicast => (GROUP_MAC, GROUP_V4),
        };
        let source = if self.signed { target.other().address() } else { ATTACKER.address };
        let ip = IpHeader { source: IpAddr::V4(source), destination: destination.into(), hop_limit: u8::MAX };
        let outgoing = Outgoing {
            version: VERSION,
            vrid: Vrid::new(VRID)?,
            priority: Priority::new(priority),
            interval,
            addresses: &[IpAddr::V4(VIRTUAL_ADDRESS)],
            checksum: ChecksumForm::PseudoHeader,
            password: None,
        };
        let mut payload = Vec::new();
        match key {
            Some(key) => {
                let now = Sequence::at(UnixTime::new(Duration::from_nanos(wall_nanos())));
                outgoing.emit_signed_into(&ip, key, now, &mut payload).ok()?;
            }
            None => outgoing.emit_into(&ip, &mut payload).ok()?,
        }
        wrap(mac, source, destination, &payload)
    }
}

fn wrong_key() -> Option<Key> {
    Key::new(KeyId::new(KEY_ID)?, &WRONG_SECRET).ok()
}

/// Wraps an advertisement.
fn wrap(to: [u8; 6], source: Ipv4Addr, destination: Ipv4Addr, payload: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![0; ETHERNET_HEADER + IPV4_HEADER + payload.len()];
    let mut ethernet = MutableEthernetPacket::new(&mut bytes)?;
    ethernet.set_destination(to.into());
    ethernet.set_source(ATTACKER.mac.into());
    ethernet.set_ethertype(EtherTypes::Ipv4);
    let mut ip = MutableIpv4Packet::new(bytes.get_mut(ETHERNET_HEADER..)?)?;
    ip.set_version(4);
    ip.set_header_length(5);
    ip.set_total_length(u16::try_from(IPV4_HEADER + payload.len()).ok()?);
    ip.set_ttl(u8::MAX);
    ip.set_next_level_protocol(IpNextHeaderProtocol(IP_PROTOCOL));
    ip.set_source(source);
    ip.set_destination(destination);
    ip.set_payload(payload);
    let sum = checksum(&ip.to_immutable());
    ip.set_checksum(sum);
    Some(bytes)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use vrrp_packet::Advertisement;

    use super::*;

    fn forgery(signed: bool) -> Forgery {
        Forgery { interval: Interval::from_centis(1).unwrap(), transport: Transport::Unicast, signed }
    }

    fn parsed(frame: &[u8], source: Ipv4Addr, destination: Ipv4Addr) -> (u8, u16, bool) {
        let ip = IpHeader { source: source.into(), destination: destination.into(), hop_limit: 255 };
        let read = Advertisement::parse(&frame[ETHERNET_HEADER + IPV4_HEADER..], &ip).unwrap();
        (read.priority().get(), read.interval().centis(), read.trailer().is_some())
    }

    #[test]
    fn without_keys_the_attacker_speaks_for_itself() {
        let frames = forgery(false).frames();

        let to_a: Vec<_> = frames[..4].iter().map(|frame| parsed(frame, ATTACKER.address, Side::A.address())).collect();
        assert_eq!(to_a, [(255, 1, false), (250, 1, false), (0, 1, false), (250, 4095, false)]);
        assert_eq!(frames.len(), 8);
    }

    #[test]
    fn with_keys_it_pretends_to_be_the_peer_unsigned_and_wrongly_signed() {
        let frames = forgery(true).frames();

        let to_a: Vec<_> =
            frames[..2].iter().map(|frame| parsed(frame, Side::B.address(), Side::A.address())).collect();
        assert_eq!(to_a, [(255, 1, false), (255, 1, true)]);
        assert_eq!(frames.len(), 16);
    }
}
