//! Overhears who else speaks on an interface: who sends advertisements, and who claims an address as its own.
//!
//! Only what arrives is heard, nothing that this host sends.

use core::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use socket2::{Domain, SockFilter, Socket, Type};
use vrrp_packet::{Family, IP_PROTOCOL};

use super::capture::{answer, bind, jump_if, load};

/// Holds the header of every frame that passes, and what it says of its sender.
const SNAP_LENGTH: usize = 128;
/// Some hundred frames: who speaks more often is heard often enough.
const RECEIVE_BUFFER: usize = 64 * 1024;
/// The kernel takes filters of 4096 instructions, and an address needs two.
const MOST_ADDRESSES: usize = 1024;
const ICMPV6: u32 = 58;
/// RFC 4861 §4.4.
const NEIGHBOR_ADVERTISEMENT: u32 = 136;

/// Holds an Ethernet address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Tells who was overheard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sighting {
    /// The address that an advertisement came from, or that was claimed.
    pub address: IpAddr,
    /// The Ethernet address of the frame.
    pub mac: Mac,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Subject {
    Advertisers,
    Claimants,
}

/// Overhears one interface; never blocks.
#[derive(Debug)]
pub struct Sentry {
    socket: Socket,
    subject: Subject,
    family: Family,
}

impl Sentry {
    /// Overhears advertisements of any router on the interface with this index.
    ///
    /// # Errors
    /// `PermissionDenied` without `CAP_NET_RAW`; `ENODEV` where there is no such interface.
    pub fn on_advertisers(index: u32, family: Family) -> io::Result<Self> {
        let protocol = load(
            libc::BPF_B,
            match family {
                Family::Ipv4 => 23,
                Family::Ipv6 => 20,
            },
        );
        let program = [protocol, jump_if(IP_PROTOCOL.into(), 0, 1), answer(SNAP_LENGTH as u32), answer(0)];
        Self::open(index, Subject::Advertisers, family, &program)
    }

    /// Overhears ARP, or Neighbor Advertisements, in which somebody says that one of these addresses is its own.
    ///
    /// # Errors
    /// `PermissionDenied` without `CAP_NET_RAW`; `ENODEV` where there is no such interface.
    pub fn on_claimants(index: u32, family: Family, addresses: &[IpAddr]) -> io::Result<Self> {
        Self::open(index, Subject::Claimants, family, &claims(family, addresses.iter()))
    }

    /// Overhears claims of these addresses from now on, in place of those before.
    ///
    /// Of more than 1024 addresses claims of any address are told.
    ///
    /// # Errors
    /// What the kernel says, in practice only that there is no memory.
    pub fn watch<'a>(&self, addresses: impl ExactSizeIterator<Item = &'a IpAddr>) -> io::Result<()> {
        self.socket.attach_filter(&claims(self.family, addresses))
    }

    fn open(index: u32, subject: Subject, family: Family, program: &[SockFilter]) -> io::Result<Self> {
        let protocol = match (subject, family) {
            (Subject::Claimants, Family::Ipv4) => libc::ETH_P_ARP,
            (Subject::Advertisers, Family::Ipv4) => libc::ETH_P_IP,
            (Subject::Advertisers | Subject::Claimants, Family::Ipv6) => libc::ETH_P_IPV6,
        };
        // Protocol 0 hears nothing: without it, frames of all interfaces would queue until the filter is there.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.set_nonblocking(true)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        socket.attach_filter(program)?;
        // A socket for one protocol hears nothing that leaves.
        bind(&socket, index, protocol)?;
        Ok(Self { socket, subject, family })
    }

    /// Returns the next that was overheard; `None` where there is nothing now.
    ///
    /// # Errors
    /// What the kernel says, such as `ENETDOWN` where the interface has gone down.
    pub fn next_sighting(&self) -> io::Result<Option<Sighting>> {
        let mut buffer = [0; SNAP_LENGTH];
        loop {
            match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(length) => {
                    if let Some(sighting) = self.understand(&buffer[..length]) {
                        return Ok(Some(sighting));
                    }
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn understand(&self, frame: &[u8]) -> Option<Sighting> {
        let mac = Mac(*frame.get(6..)?.first_chunk()?);
        let v4 = |at: usize| Some(IpAddr::from(Ipv4Addr::from(*frame.get(at..)?.first_chunk::<4>()?)));
        let v6 = |at: usize| Some(IpAddr::from(Ipv6Addr::from(*frame.get(at..)?.first_chunk::<16>()?)));
        let address = match (self.subject, self.family) {
            (Subject::Advertisers, Family::Ipv4) => v4(26)?,
            (Subject::Advertisers, Family::Ipv6) => v6(22)?,
            (Subject::Claimants, Family::Ipv4) => v4(28)?,
            (Subject::Claimants, Family::Ipv6) => v6(62)?,
        };
        Some(Sighting { address, mac })
    }
}

/// Builds a filter that passes what claims one of these addresses.
fn claims<'a>(family: Family, addresses: impl ExactSizeIterator<Item = &'a IpAddr>) -> Vec<SockFilter> {
    let mut program = match family {
        Family::Ipv4 => vec![load(libc::BPF_W, 28)],
        Family::Ipv6 => vec![
            load(libc::BPF_B, 20),
            jump_if(ICMPV6, 1, 0),
            answer(0),
            load(libc::BPF_B, 54),
            jump_if(NEIGHBOR_ADVERTISEMENT, 1, 0),
            answer(0),
            // The end of the target; the rest is compared by the reader.
            load(libc::BPF_W, 74),
        ],
    };
    if addresses.len() > MOST_ADDRESSES {
        program.push(answer(SNAP_LENGTH as u32));
        return program;
    }
    for address in addresses {
        let [.., a, b, c, d] = match address {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => address.octets(),
        };
        program.extend([jump_if(u32::from_be_bytes([a, b, c, d]), 0, 1), answer(SNAP_LENGTH as u32)]);
    }
    program.push(answer(0));
    program
}

impl AsFd for Sentry {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use nix::net::if_::if_nametoindex;
    use vrrp_packet::{arp, ndp};

    use super::*;
    use crate::net::FrameSocket;
    use crate::net::testing::{Cable, becomes_readable, in_namespace};

    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];

    /// Sends frames to a sentry and returns what it tells.
    fn overheard(open: impl Fn(u32) -> io::Result<Sentry> + Sync, frames: &[&[u8]]) -> Vec<Sighting> {
        in_namespace(|| {
            let cable = Cable::lay();
            let sentry = cable.at_far_end(|| open(if_nametoindex("far").unwrap()).unwrap());
            let (socket, near) = (FrameSocket::open().unwrap(), if_nametoindex("near").unwrap());
            frames.iter().for_each(|frame| socket.send(near, frame).unwrap());
            assert!(becomes_readable(&sentry));
            core::iter::from_fn(|| sentry.next_sighting().unwrap()).collect()
        })
    }

    #[test]
    fn a_claim_of_a_watched_ipv4_address_is_told_and_no_other() {
        let watched = Ipv4Addr::new(10, 0, 0, 9);
        let other = arp::gratuitous_request(MAC, Ipv4Addr::new(10, 0, 0, 8));
        let open =
            |index| Sentry::on_claimants(index, Family::Ipv4, &[Ipv4Addr::new(10, 0, 0, 7).into(), watched.into()]);

        let told = overheard(open, &[&other, &arp::gratuitous_request(MAC, watched)]);

        assert_eq!(told, [Sighting { address: watched.into(), mac: Mac(MAC) }]);
    }

    #[test]
    fn what_is_watched_can_be_replaced_by_more_addresses_than_a_filter_holds() {
        let claim = |last| arp::gratuitous_request(MAC, Ipv4Addr::new(10, 0, 0, last));
        let watching = |addresses: Vec<IpAddr>| {
            move |index| {
                let sentry = Sentry::on_claimants(index, Family::Ipv4, &[])?;
                sentry.watch(addresses.iter())?;
                Ok(sentry)
            }
        };

        let few = overheard(watching(vec![Ipv4Addr::new(10, 0, 0, 7).into()]), &[&claim(8), &claim(7)]);
        let many = (0..2000_u32).map(|number| Ipv4Addr::from_bits(0x0a01_0000 + number).into()).collect();
        let any = overheard(watching(many), &[&claim(8)]);

        assert_eq!(few, [Sighting { address: Ipv4Addr::new(10, 0, 0, 7).into(), mac: Mac(MAC) }]);
        assert_eq!(any, [Sighting { address: Ipv4Addr::new(10, 0, 0, 8).into(), mac: Mac(MAC) }]);
    }

    #[test]
    fn a_claim_of_a_watched_ipv6_address_is_told_and_no_other() {
        let address = |last| Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last);
        let other = ndp::unsolicited_advertisement(MAC, address(8), false);
        let open = |index| Sentry::on_claimants(index, Family::Ipv6, &[address(9).into()]);

        let told = overheard(open, &[&other, &ndp::unsolicited_advertisement(MAC, address(9), false)]);

        assert_eq!(told, [Sighting { address: address(9).into(), mac: Mac(MAC) }]);
    }

    #[test]
    fn advertisers_are_told_with_the_address_of_their_frames() {
        let mut frame = vec![0xff; 6];
        frame.extend(MAC);
        frame.extend([8, 0, 0x45, 0, 0, 28, 0, 0, 0, 0, 255, IP_PROTOCOL, 0, 0, 10, 0, 0, 66, 224, 0, 0, 18]);
        frame.extend([0; 8]);

        let told = overheard(|index| Sentry::on_advertisers(index, Family::Ipv4), &[&frame]);

        assert_eq!(told, [Sighting { address: Ipv4Addr::new(10, 0, 0, 66).into(), mac: Mac(MAC) }]);
    }

    #[test]
    fn an_ethernet_address_is_written_in_the_usual_way() {
        assert_eq!(Mac([2, 0, 0, 0xab, 0xcd, 0xff]).to_string(), "02:00:00:ab:cd:ff");
    }
}
