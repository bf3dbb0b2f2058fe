//! Messages to bytes and back, leniently: an attribute that the codec does not understand is not there.

use netlink_packet_core::{
    NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NlasIterator, Parseable, ParseableParametrized,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkHeader, LinkMessage};
use nix::errno::Errno;

use super::error::Refusal;

const HEADER: usize = 16;
const LINK_HEADER: usize = 16;
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
/// The only attributes of a link that anybody here reads: address, name, MTU, master, operational state and carrier.
const LINK_ATTRIBUTES: [u16; 6] = [1, 3, 4, 10, 16, 33];
/// The attribute of an extended acknowledgement that holds its sentence (`NLMSGERR_ATTR_MSG`).
const ATTRIBUTE_TEXT: u16 = 1;

/// Serialises a request, padded to the alignment that a following one needs.
pub(super) fn encode(message: RouteNetlinkMessage, flags: u16) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = flags;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len().next_multiple_of(4)];
    message.serialize(&mut bytes);
    bytes
}

/// Writes the sequence number into a serialised request.
pub(super) fn number(request: &mut [u8], sequence: u32) {
    request[8..12].copy_from_slice(&sequence.to_ne_bytes());
}

/// Takes flags out of a serialised request.
pub(super) fn clear_flags(request: &mut [u8], flags: u16) {
    let left = u16::from_ne_bytes([request[6], request[7]]) & !flags;
    request[6..8].copy_from_slice(&left.to_ne_bytes());
}

/// Walks through the messages of one datagram.
pub(super) struct Datagram<'a>(&'a [u8]);

impl<'a> Datagram<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns how many bytes have not been walked through.
    pub(super) fn rest(&self) -> usize {
        self.0.len()
    }
}

impl<'a> Iterator for Datagram<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let buffer = NetlinkBuffer::new_checked(self.0).ok()?;
        let header = NetlinkHeader::parse(&buffer).ok()?;
        let length = usize::try_from(header.length).ok()?;
        let payload = self.0.get(HEADER..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message { header, payload })
    }
}

/// Holds one message as it arrived.
pub(super) struct Message<'a> {
    pub(super) header: NetlinkHeader,
    payload: &'a [u8],
}

/// Says what a message from the kernel is.
pub(super) enum Answer {
    /// The end of a request: done, or refused.
    Status(Option<Refusal>),
    /// The end of a dump.
    Done,
    /// A piece of a dump, or a notification.
    Content(RouteNetlinkMessage),
    /// Something that the codec does not understand.
    Unknown,
}

impl Message<'_> {
    pub(super) fn answer(&self) -> Answer {
        match self.header.message_type {
            NLMSG_ERROR => self.status(),
            NLMSG_DONE => Answer::Done,
            RTM_NEWLINK => {
                self.link().map_or(Answer::Unknown, |link| Answer::Content(RouteNetlinkMessage::NewLink(link)))
            }
            RTM_DELLINK => {
                self.link().map_or(Answer::Unknown, |link| Answer::Content(RouteNetlinkMessage::DelLink(link)))
            }
            kind => RouteNetlinkMessage::parse_with_param(self.payload, kind).map_or(Answer::Unknown, Answer::Content),
        }
    }

    fn status(&self) -> Answer {
        let Some((code, rest)) = self.payload.split_first_chunk::<4>() else { return Answer::Unknown };
        match i32::from_ne_bytes(*code) {
            0 => Answer::Status(None),
            code => {
                let text = if self.header.flags & NLM_F_ACK_TLVS == 0 { None } else { self.text(rest) };
                Answer::Status(Some(Refusal { errno: Errno::from_raw(-code), text }))
            }
        }
    }

    /// Finds the sentence behind the refused request, of which only the header comes back where the kernel caps it.
    fn text(&self, rest: &[u8]) -> Option<String> {
        let echoed = if self.header.flags & NLM_F_CAPPED == 0 {
            let length = u32::from_ne_bytes(*rest.first_chunk::<4>()?);
            usize::try_from(length).ok()?.next_multiple_of(4)
        } else {
            HEADER
        };
        let text = NlasIterator::new(rest.get(echoed..)?).flatten().find(|nla| nla.kind() == ATTRIBUTE_TEXT)?;
        Some(String::from_utf8_lossy(text.value()).trim_end_matches('\0').to_owned())
    }

    /// Reads a link without the many attributes that change from kernel to kernel.
    fn link(&self) -> Option<LinkMessage> {
        let header = LinkHeader::parse(self.payload).ok()?;
        let attributes = NlasIterator::new(self.payload.get(LINK_HEADER..)?)
            .flatten()
            .filter(|nla| LINK_ATTRIBUTES.contains(&nla.kind()))
            .filter_map(|nla| LinkAttribute::parse_with_param(&nla, header.interface_family).ok())
            .collect();
        let mut link = LinkMessage::default();
        link.header = header;
        link.attributes = attributes;
        Some(link)
    }
}

/// Says in words what a request asks for, so that an error can begin with it.
pub(super) fn describe(message: &RouteNetlinkMessage) -> String {
    match message {
        RouteNetlinkMessage::NewAddress(address) => format!("add address {}", describe_address(address)),
        RouteNetlinkMessage::DelAddress(address) => format!("remove address {}", describe_address(address)),
        RouteNetlinkMessage::NewLink(link) => format!("create interface {}", describe_link(link)),
        RouteNetlinkMessage::SetLink(link) => format!("change interface {}", describe_link(link)),
        RouteNetlinkMessage::DelLink(link) => format!("delete interface {}", describe_link(link)),
        RouteNetlinkMessage::GetLink(_) => "list interfaces".to_owned(),
        RouteNetlinkMessage::GetAddress(_) => "list addresses".to_owned(),
        RouteNetlinkMessage::NewRoute(_) => "add route".to_owned(),
        other => format!("netlink request of type {}", other.message_type()),
    }
}

fn describe_address(message: &AddressMessage) -> String {
    let address = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) | AddressAttribute::Address(address) => Some(address.to_string()),
        _ => None,
    });
    let header = &message.header;
    format!("{}/{} on interface {}", address.unwrap_or_default(), header.prefix_len, header.index)
}

fn describe_link(message: &LinkMessage) -> String {
    let name = message.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::IfName(name) => Some(name.clone()),
        _ => None,
    });
    name.unwrap_or_else(|| message.header.index.to_string())
}
