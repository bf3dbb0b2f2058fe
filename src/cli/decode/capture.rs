//! Packets out of a capture: pcap and pcapng, from a file or while it is being written.

use core::time::Duration;
use std::io::{self, Cursor, Read};

use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::pcapng::{Block, PcapNgReader};
use pcap_file::{DataLink, PcapError, TsResolution};

/// The first bytes of every pcapng file: the type of a section header block.
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Says why a capture cannot be read, or not further.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaptureError {
    /// Not a byte.
    #[error("it is empty")]
    Empty,
    /// No capture at all.
    #[error("it is neither pcap nor pcapng")]
    Unknown,
    /// The file ends within a packet.
    #[error("it ends in the middle of a packet")]
    CutOff,
    /// Some field makes no sense.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// The packets begin with a header that is not known here.
    #[error("link type {0} is not supported")]
    LinkType(u32),
    /// The kernel refused.
    #[error(transparent)]
    Read(io::Error),
}

impl From<PcapError> for CaptureError {
    fn from(error: PcapError) -> Self {
        match error {
            PcapError::IncompleteBuffer => Self::CutOff,
            PcapError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::CutOff,
            PcapError::IoError(error) => Self::Read(error),
            PcapError::InvalidField(field) => Self::Damaged(field.to_owned()),
            PcapError::InvalidInterfaceId(id) => Self::Damaged(format!("there is no interface {id}")),
            PcapError::Utf8Error(_) | PcapError::FromUtf8Error(_) => Self::Damaged("a text is not UTF-8".to_owned()),
        }
    }
}

/// Names the header that packets begin with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Link {
    /// Ethernet.
    Ethernet,
    /// Linux cooked capture, as `tcpdump -i any` wrote it for long.
    Sll,
    /// Linux cooked capture version 2, as it does now.
    Sll2,
    /// IPv4 or IPv6 without anything before it.
    Ip,
}

impl TryFrom<DataLink> for Link {
    type Error = CaptureError;

    fn try_from(link: DataLink) -> Result<Self, CaptureError> {
        match link {
            DataLink::ETHERNET => Ok(Self::Ethernet),
            DataLink::LINUX_SLL => Ok(Self::Sll),
            DataLink::LINUX_SLL2 => Ok(Self::Sll2),
            // 12 is what some systems write for 101.
            DataLink::RAW | DataLink::IPV4 | DataLink::IPV6 | DataLink::Unknown(12) => Ok(Self::Ip),
            other => Err(CaptureError::LinkType(other.into())),
        }
    }
}

/// Holds one packet as it was captured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Recorded {
    /// Since 1970, UTC; `None` where the capture does not say.
    pub(crate) time: Option<Duration>,
    /// What `data` begins with.
    pub(crate) link: Link,
    /// The bytes, perhaps fewer than were on the wire.
    pub(crate) data: Vec<u8>,
}

/// Reads a capture packet by packet.
pub(super) struct Capture<R: Read>(Format<R>);

enum Format<R: Read> {
    Pcap(PcapReader<Start<R>>, Link),
    PcapNg(PcapNgReader<Start<R>>),
}

type Start<R> = io::Chain<Cursor<Vec<u8>>, R>;

impl<R: Read> Capture<R> {
    /// Recognises the format by the first bytes.
    pub(super) fn open(mut input: R) -> Result<Self, CaptureError> {
        let mut magic = Vec::new();
        input.by_ref().take(4).read_to_end(&mut magic).map_err(CaptureError::Read)?;
        let format = magic.clone();
        let input = Cursor::new(magic).chain(input);
        match <[u8; 4]>::try_from(format) {
            Err(few) if few.is_empty() => Err(CaptureError::Empty),
            Err(_) => Err(CaptureError::Unknown),
            Ok(PCAPNG) => Ok(Self(Format::PcapNg(PcapNgReader::new(input)?))),
            Ok(
                [0xa1, 0xb2, 0xc3, 0xd4]
                | [0xd4, 0xc3, 0xb2, 0xa1]
                | [0xa1, 0xb2, 0x3c, 0x4d]
                | [0x4d, 0x3c, 0xb2, 0xa1],
            ) => {
                let reader = PcapReader::new(input)?;
                let link = reader.header().datalink.try_into()?;
                Ok(Self(Format::Pcap(reader, link)))
            }
            Ok(_) => Err(CaptureError::Unknown),
        }
    }

    /// Returns the next packet; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Recorded>, CaptureError> {
        match &mut self.0 {
            Format::Pcap(reader, link) => next_pcap(reader, *link),
            Format::PcapNg(reader) => next_pcapng(reader),
        }
    }
}

fn next_pcap<R: Read>(reader: &mut PcapReader<R>, link: Link) -> Result<Option<Recorded>, CaptureError> {
    let unit = match reader.header().ts_resolution {
        TsResolution::MicroSecond => 1000,
        TsResolution::NanoSecond => 1,
    };
    // Raw: the checked variant refuses packets that were longer on the wire than the capture keeps.
    let Some(packet) = reader.next_raw_packet().transpose()? else { return Ok(None) };
    let time = Duration::from_secs(packet.ts_sec.into()) + Duration::from_nanos(unit * u64::from(packet.ts_frac));
    Ok(Some(Recorded { time: Some(time), link, data: packet.data.into_owned() }))
}

fn next_pcapng<R: Read>(reader: &mut PcapNgReader<R>) -> Result<Option<Recorded>, CaptureError> {
    let (interface, stamp, data) = loop {
        let Some(block) = reader.next_block().transpose()? else { return Ok(None) };
        match block {
            // The library takes every time stamp for nanoseconds; the interface knows the unit.
            Block::EnhancedPacket(it) => break (it.interface_id, Some(it.timestamp.as_nanos()), it.data.into_owned()),
            Block::Packet(it) => break (it.interface_id.into(), Some(it.timestamp.into()), it.data.into_owned()),
            Block::SimplePacket(it) => {
                let mut data = it.data.into_owned();
                // The rest is padding.
                data.truncate(usize::try_from(it.original_len).unwrap_or(usize::MAX));
                break (0, None, data);
            }
            Block::SectionHeader(_)
            | Block::InterfaceDescription(_)
            | Block::NameResolution(_)
            | Block::InterfaceStatistics(_)
            | Block::SystemdJournalExport(_)
            | Block::Unknown(_) => {}
        }
    };
    let found = usize::try_from(interface).ok().and_then(|index| reader.interfaces().get(index));
    let interface = found.ok_or(PcapError::InvalidInterfaceId(interface))?;
    Ok(Some(Recorded { time: stamp.map(|stamp| time(stamp, interface)), link: interface.linktype.try_into()?, data }))
}

/// Applies the unit and offset of an interface's time stamps; microseconds where it names none.
fn time(stamp: u128, interface: &InterfaceDescriptionBlock<'_>) -> Duration {
    let mut resolution = 6;
    let mut offset = 0;
    for option in &interface.options {
        match option {
            InterfaceDescriptionOption::IfTsResol(value) => resolution = *value,
            InterfaceDescriptionOption::IfTsOffset(seconds) => offset = *seconds,
            _ => {}
        }
    }
    // The top bit says whether it is a negative power of two or of ten.
    let base: u128 = if resolution & 0x80 == 0 { 10 } else { 2 };
    let per_second = base.checked_pow(u32::from(resolution & 0x7f)).unwrap_or(u128::MAX);
    let seconds = u64::try_from(stamp / per_second).unwrap_or(u64::MAX).saturating_add(offset);
    // The stamp has 64 bits, so the product stays below 2^94.
    let nanos = (stamp % per_second) * 1_000_000_000 / per_second;
    Duration::new(seconds, u32::try_from(nanos).unwrap_or(0))
}
