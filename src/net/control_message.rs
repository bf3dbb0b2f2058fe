//! Control messages on the stack: nix allocates for each one that it sends.

use std::net::IpAddr;

/// Holds the two control messages that a VRRP socket receives, or the one that it sends.
#[repr(C, align(8))]
pub(super) struct ControlMessage {
    bytes: [u8; 96],
    length: usize,
}

impl ControlMessage {
    /// Makes room for what the kernel wants to say.
    pub(super) const fn empty() -> Self {
        Self { bytes: [0; 96], length: 0 }
    }

    /// Tells the kernel which source address and interface a packet leaves with.
    pub(super) fn source(source: IpAddr, interface: u32) -> Self {
        match source {
            IpAddr::V4(source) => {
                let info = libc::in_pktinfo {
                    // The kernel wants the index as a signed number; indices stay far below 2^31.
                    ipi_ifindex: interface.cast_signed(),
                    ipi_spec_dst: libc::in_addr { s_addr: u32::from(source).to_be() },
                    ipi_addr: libc::in_addr { s_addr: 0 },
                };
                Self::of(libc::IPPROTO_IP, libc::IP_PKTINFO, info)
            }
            IpAddr::V6(source) => {
                let info = libc::in6_pktinfo {
                    ipi6_addr: libc::in6_addr { s6_addr: source.octets() },
                    ipi6_ifindex: interface,
                };
                Self::of(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info)
            }
        }
    }

    fn of<T: Copy>(level: i32, kind: i32, payload: T) -> Self {
        let mut message = Self::empty();
        // `socklen_t` is 32 bits wide; the payloads are at most 20 bytes long.
        let size = size_of::<T>() as libc::c_uint;
        // SAFETY: CMSG_SPACE and CMSG_LEN only compute. The buffer is aligned for a `cmsghdr`, zeroed, and longer than
        // CMSG_SPACE of any payload given here, so header and payload both lie within it.
        unsafe {
            message.length = libc::CMSG_SPACE(size) as usize;
            debug_assert!(message.length <= message.bytes.len(), "the buffer holds the message");
            let header = message.bytes.as_mut_ptr().cast::<libc::cmsghdr>();
            (*header).cmsg_len = libc::CMSG_LEN(size) as _;
            (*header).cmsg_level = level;
            (*header).cmsg_type = kind;
            libc::CMSG_DATA(header).cast::<T>().write_unaligned(payload);
        }
        message
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    pub(super) fn as_mut_bytes(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}
