//! What is printed of a packet: one line for people, or one JSON object.

use core::fmt::{self, Display};
use core::time::Duration;
use std::net::IpAddr;

use pnet::packet::arp::ArpOperations;
use serde::Serialize;
use vrrp_packet::{Advertisement, ChecksumForm, KeyId, UnixTime, V2Authentication};

use super::capture::Recorded;
use super::frame::{Frame, IpPayload, dissect};
use super::signature::{Keys, Signature};
use super::time::rfc3339;

/// Describes one packet that concerns VRRP.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
pub(crate) struct Line {
    /// When it was captured, RFC 3339 in UTC.
    time: Option<String>,
    #[serde(flatten)]
    packet: Packet,
}

#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Packet {
    /// An IP packet of protocol 112.
    Advertisement {
        source: IpAddr,
        destination: IpAddr,
        hop_limit: u8,
        /// What it says; `null` where it cannot be parsed.
        says: Option<Says>,
        /// Why vipd would discard it.
        discard: Option<String>,
    },
    /// Gratuitous ARP.
    GratuitousArp { operation: &'static str, address: IpAddr, mac: String },
    /// An unsolicited Neighbor Advertisement.
    UnsolicitedNa { address: IpAddr, mac: Option<String>, overrides: bool },
}

#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
struct Says {
    version: u8,
    vrid: u8,
    priority: u8,
    interval_ms: u64,
    addresses: Vec<IpAddr>,
    checksum: &'static str,
    authentication: Authentication,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Authentication {
    None,
    Password,
    Hmac {
        key_id: Option<u8>,
        sequence: u64,
        /// How far the sender's clock was ahead of the clock of the capture.
        #[serde(skip_serializing_if = "Option::is_none")]
        clock_ahead_ms: Option<i64>,
        /// Whether it fits a key that was given.
        #[serde(skip_serializing_if = "Option::is_none")]
        signature: Option<Signature>,
    },
    Other {
        auth_type: u8,
    },
}

impl Line {
    /// Describes a captured packet; `None` where it does not concern VRRP.
    pub(crate) fn of(recorded: &Recorded, keys: &Keys) -> Option<Self> {
        let packet = match dissect(recorded.link, &recorded.data) {
            Frame::Vrrp(packet) => advertisement(&packet, recorded.time, keys),
            Frame::GratuitousArp { operation, address, mac } => {
                let operation = if operation == ArpOperations::Request { "request" } else { "reply" };
                Packet::GratuitousArp { operation, address: address.into(), mac: mac.to_string() }
            }
            Frame::UnsolicitedNa { address, mac, overrides } => {
                Packet::UnsolicitedNa { address: address.into(), mac: mac.map(|mac| mac.to_string()), overrides }
            }
            Frame::Other => return None,
        };
        Some(Self { time: recorded.time.map(rfc3339), packet })
    }

    /// Tells whether it is an advertisement, and if so whether vipd would discard it.
    pub(super) const fn discarded(&self) -> Option<bool> {
        match &self.packet {
            Packet::Advertisement { discard, .. } => Some(discard.is_some()),
            Packet::GratuitousArp { .. } | Packet::UnsolicitedNa { .. } => None,
        }
    }
}

fn advertisement(packet: &IpPayload<'_>, time: Option<Duration>, keys: &Keys) -> Packet {
    let says = |it: &Advertisement<'_>| says(it, time, keys);
    let ip = packet.ip;
    let (says, discard) = match Advertisement::parse(packet.payload, &ip) {
        _ if packet.fragment => (None, Some("a fragment: only the whole packet can be judged".to_owned())),
        _ if packet.missing > 0 => (None, Some(format!("the capture left out {} bytes", packet.missing))),
        Err(error) => (None, Some(error.to_string())),
        Ok(it) if !ip.is_on_link() => (
            Some(says(&it)),
            Some(format!("hop limit {} where 255 is expected, unless `hop_limit: any` is set", ip.hop_limit)),
        ),
        Ok(it) if keys.judge(&it) == Some(Signature::Bad) => {
            (Some(says(&it)), Some("its signature fits no key that was given".to_owned()))
        }
        Ok(it) => (Some(says(&it)), None),
    };
    Packet::Advertisement { source: ip.source, destination: ip.destination, hop_limit: ip.hop_limit, says, discard }
}

fn says(advertisement: &Advertisement<'_>, time: Option<Duration>, keys: &Keys) -> Says {
    Says {
        version: advertisement.version().number(),
        vrid: advertisement.vrid().get(),
        priority: advertisement.priority().get(),
        interval_ms: u64::from(advertisement.interval().centis()) * 10,
        addresses: advertisement.addresses().iter().collect(),
        checksum: match advertisement.checksum() {
            ChecksumForm::Message => "message",
            ChecksumForm::PseudoHeader => "pseudo-header",
        },
        authentication: authentication(advertisement, time, keys),
    }
}

fn authentication(advertisement: &Advertisement<'_>, time: Option<Duration>, keys: &Keys) -> Authentication {
    match (advertisement.trailer(), advertisement.v2_authentication()) {
        (Some(trailer), _) => Authentication::Hmac {
            key_id: trailer.key_id().map(KeyId::get),
            sequence: trailer.sequence().to_bits(),
            clock_ahead_ms: time.map(|time| trailer.sequence().offset_nanos(UnixTime::new(time)) / 1_000_000),
            signature: keys.judge(advertisement),
        },
        (None, None | Some(V2Authentication::None)) => Authentication::None,
        (None, Some(V2Authentication::SimplePassword(_))) => Authentication::Password,
        (None, Some(V2Authentication::Other(auth_type))) => Authentication::Other { auth_type },
    }
}

impl Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ", self.time.as_deref().unwrap_or("-"))?;
        match &self.packet {
            Packet::Advertisement { source, destination, says, discard, .. } => {
                write!(f, "{source} > {destination}")?;
                if let Some(says) = says {
                    write!(f, "  {says}")?;
                }
                discard.as_ref().map_or(Ok(()), |reason| write!(f, "  DISCARD: {reason}"))
            }
            Packet::GratuitousArp { operation, address, mac } => {
                write!(f, "gratuitous ARP {operation}: {address} is at {mac}")
            }
            Packet::UnsolicitedNa { address, mac, overrides } => {
                let mac = mac.as_deref().unwrap_or("the sender");
                let keeps = if *overrides { "" } else { ", neighbours keep what they know" };
                write!(f, "unsolicited NA: {address} is at {mac}{keeps}")
            }
        }
    }
}

impl Display for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, vrid, priority, addresses, checksum, authentication, .. } = self;
        let interval = Duration::from_millis(self.interval_ms);
        write!(f, "v{version} vrid {vrid} prio {priority} interval {interval:?} addresses")?;
        addresses.iter().try_for_each(|address| write!(f, " {address}"))?;
        write!(f, " checksum {checksum}")?;
        match authentication {
            Authentication::None => Ok(()),
            Authentication::Password => write!(f, " auth password"),
            Authentication::Hmac { key_id: Some(key_id), clock_ahead_ms, signature, .. } => {
                write!(f, " auth hmac key {key_id}")?;
                match signature {
                    Some(Signature::Valid) => write!(f, " valid")?,
                    Some(Signature::Bad) => write!(f, " bad")?,
                    None => return Ok(()),
                }
                clock_ahead_ms.map_or(Ok(()), |ahead| write!(f, " clock {ahead:+} ms"))
            }
            Authentication::Hmac { key_id: None, .. } => write!(f, " auth hmac without a key id"),
            Authentication::Other { auth_type } => write!(f, " auth type {auth_type}"),
        }
    }
}
