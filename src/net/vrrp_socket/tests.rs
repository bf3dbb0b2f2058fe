use std::net::IpAddr;

use nix::net::if_::if_nametoindex;
use vrrp_packet::{Family, Vrid};

use super::*;
use crate::net::testing::{Cable, becomes_readable, in_namespace, is_readable};

const NEAR: [&str; 2] = ["10.0.0.1", "fe80::1"];
const FAR: [&str; 2] = ["10.0.0.2", "fe80::2"];
const BOTH: [Family; 2] = [Family::Ipv4, Family::Ipv6];

fn vrid(vrid: u8) -> Vrid {
    Vrid::new(vrid).unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn group(family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => GROUP_V4.into(),
        Family::Ipv6 => GROUP_V6.into(),
    }
}

/// Shapes what matters to the socket: version and type, VRID, and a checksum that is wrong.
fn message(vrid: u8) -> [u8; 12] {
    [0x31, vrid, 100, 1, 0, 100, 0xde, 0xad, 10, 0, 0, 100]
}

fn open(interface: &str, family: Family, multicast: bool) -> VrrpSocket {
    let index = if_nametoindex(interface).unwrap();
    let socket = VrrpSocket::open(interface, index, family, multicast).unwrap();
    socket.set_filter(&[vrid(51)]).unwrap();
    socket
}

fn receive<'b>(socket: &VrrpSocket, buffer: &'b mut [u8]) -> Datagram<'b> {
    assert!(becomes_readable(socket), "nothing was heard");
    socket.receive(buffer).unwrap().unwrap()
}

#[test]
fn a_packet_to_the_group_arrives_with_all_that_its_ip_header_said() {
    for (family, source) in BOTH.into_iter().zip(NEAR) {
        in_namespace(|| {
            let cable = Cable::lay();
            let sender = open("near", family, true);
            let (receiver, index) = cable.at_far_end(|| (open("far", family, true), if_nametoindex("far").unwrap()));

            sender.send(address(source), group(family), &message(51)).unwrap();

            let mut buffer = [0; 128];
            let expected = Datagram {
                source: address(source),
                destination: group(family),
                hop_limit: 255,
                interface: index,
                // Also shows that the kernel neither corrects nor refuses a wrong checksum.
                payload: &message(51),
            };
            assert_eq!(receive(&receiver, &mut buffer), expected);
        });
    }
}

#[test]
fn a_unicast_packet_arrives_with_hop_limit_255_and_the_source_that_was_chosen() {
    for (family, (near, far)) in BOTH.into_iter().zip(NEAR.into_iter().zip(FAR)) {
        in_namespace(|| {
            let cable = Cable::lay();
            let sender = open("near", family, false);
            let receiver = cable.at_far_end(|| open("far", family, false));

            sender.send(address(near), address(far), &message(51)).unwrap();

            let mut buffer = [0; 128];
            let datagram = receive(&receiver, &mut buffer);
            assert_eq!((datagram.source, datagram.destination), (address(near), address(far)));
            assert_eq!((datagram.hop_limit, datagram.payload), (255, &message(51)[..]));
        });
    }
}

#[test]
fn vrids_that_are_not_in_the_filter_are_not_heard() {
    for (family, source) in BOTH.into_iter().zip(NEAR) {
        in_namespace(|| {
            let cable = Cable::lay();
            let sender = open("near", family, true);
            let receiver = cable.at_far_end(|| open("far", family, true));
            let all: Vec<Vrid> = (1..=255).filter(|&it| it != 7).map(vrid).collect();
            receiver.set_filter(&all).unwrap();

            sender.send(address(source), group(family), &message(7)).unwrap();
            // Too short to have a VRID.
            sender.send(address(source), group(family), &[0x31]).unwrap();
            for heard in all {
                sender.send(address(source), group(family), &message(heard.get())).unwrap();
                assert_eq!(receive(&receiver, &mut [0; 128]).payload[1], heard.get());
            }
        });
    }
}

#[test]
fn nothing_is_heard_before_a_filter_is_set() {
    in_namespace(|| {
        let cable = Cable::lay();
        let sender = open("near", Family::Ipv4, true);
        let receiver =
            cable.at_far_end(|| VrrpSocket::open("far", if_nametoindex("far").unwrap(), Family::Ipv4, true).unwrap());
        sender.send(address(NEAR[0]), group(Family::Ipv4), &message(51)).unwrap();

        receiver.set_filter(&[vrid(51)]).unwrap();

        let marker = [0x31, 51, 0];
        sender.send(address(NEAR[0]), group(Family::Ipv4), &marker).unwrap();
        assert_eq!(receive(&receiver, &mut [0; 128]).payload, marker);
    });
}

#[test]
fn a_socket_does_not_hear_itself() {
    for (family, source) in BOTH.into_iter().zip(NEAR) {
        in_namespace(|| {
            let cable = Cable::lay();
            let sender = open("near", family, true);
            let receiver = cable.at_far_end(|| open("far", family, true));

            sender.send(address(source), group(family), &message(51)).unwrap();

            receive(&receiver, &mut [0; 128]);
            assert!(!is_readable(&sender));
        });
    }
}

#[test]
fn what_went_to_a_group_that_another_socket_joined_can_be_told_apart() {
    for (family, source) in BOTH.into_iter().zip(NEAR) {
        in_namespace(|| {
            let cable = Cable::lay();
            let sender = open("near", family, true);
            let (unicast, _multicast) = cable.at_far_end(|| (open("far", family, false), open("far", family, true)));

            sender.send(address(source), group(family), &message(51)).unwrap();

            assert_eq!(receive(&unicast, &mut [0; 128]).destination, group(family));
        });
    }
}

#[test]
fn ip_options_are_stepped_over() {
    in_namespace(|| {
        let cable = Cable::lay();
        let sender = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(VRRP))).unwrap();
        sender.set_header_included_v4(true).unwrap();
        let receiver = cable.at_far_end(|| open("far", Family::Ipv4, false));
        // Six words long, the last being four times "no operation"; the kernel fills in length and checksum.
        let mut packet = vec![0x46, 0, 0, 0, 0, 0, 0, 0, 254, 112, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 1];
        packet.extend(message(51));

        sender.send_to(&packet, &SockAddr::from(SocketAddr::new(address(FAR[0]), 0))).unwrap();

        let mut buffer = [0; 128];
        let datagram = receive(&receiver, &mut buffer);
        assert_eq!((datagram.hop_limit, datagram.payload), (254, &message(51)[..]));
    });
}

#[test]
fn a_packet_that_does_not_fit_is_reported_and_gone() {
    for (family, source) in BOTH.into_iter().zip(NEAR) {
        in_namespace(|| {
            let cable = Cable::lay();
            let sender = open("near", family, true);
            let receiver = cable.at_far_end(|| open("far", family, true));
            sender.send(address(source), group(family), &[51; 200]).unwrap();
            assert!(becomes_readable(&receiver));

            let mut buffer = [0; 128];
            let received = receiver.receive(&mut buffer);

            assert!(matches!(received, Err(ReceiveError::Truncated)), "{received:?}");
            assert_eq!(receiver.receive(&mut [0; 128]).unwrap(), None);
        });
    }
}

#[test]
fn a_source_that_is_not_ours_is_refused() {
    for (family, source) in BOTH.into_iter().zip(["10.0.0.77", "fe80::77"]) {
        in_namespace(|| {
            let _cable = Cable::lay();
            let sender = open("near", family, true);

            let sent = sender.send(address(source), group(family), &message(51));

            assert!(sent.is_err());
        });
    }
}

#[test]
fn an_interface_that_is_not_there_cannot_be_opened() {
    in_namespace(|| {
        let error = VrrpSocket::open("gone", 77, Family::Ipv4, true).unwrap_err();

        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
    });
}
