//! The kernel's filter for VRRP sockets: what nobody configured never wakes the election thread.

use std::io;

use socket2::SockFilter;
use vrrp_packet::{Family, Vrid};

/// Lets a whole packet through; anything above the largest packet will do.
const EVERYTHING: u32 = u32::MAX;

/// Builds a filter that passes only packets of these VRIDs.
///
/// Version, type, length and checksum are left to the parser: what is wrong with a packet of a configured VRID shall
/// be counted, not vanish.
///
/// # Errors
/// None in practice: there are no more than 255 VRIDs.
pub(super) fn passing(family: Family, vrids: &[Vrid]) -> io::Result<Vec<SockFilter>> {
    let mut vrids = vrids.to_vec();
    vrids.sort_unstable();
    vrids.dedup();

    let mut program = load_vrid(family);
    for (index, vrid) in vrids.iter().enumerate() {
        // Over the comparisons that follow and the refusal behind them.
        let to_accept = u8::try_from(vrids.len() - index).map_err(io::Error::other)?;
        program.push(instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, to_accept, u32::from(vrid.get())));
    }
    program.push(instruction(libc::BPF_RET | libc::BPF_K, 0, 0));
    program.push(instruction(libc::BPF_RET | libc::BPF_K, 0, EVERYTHING));
    Ok(program)
}

/// Loads the second byte of the VRRP message; a packet that is too short for one is refused by the kernel.
fn load_vrid(family: Family) -> Vec<SockFilter> {
    match family {
        // A raw IPv4 socket sees the IP header, whose length its first byte tells.
        Family::Ipv4 => vec![
            instruction(libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH, 0, 0),
            instruction(libc::BPF_LD | libc::BPF_B | libc::BPF_IND, 0, 1),
        ],
        // A raw IPv6 socket does not.
        Family::Ipv6 => vec![instruction(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, 1)],
    }
}

fn instruction(code: u32, jump_if_true: u8, operand: u32) -> SockFilter {
    // Every BPF operation code is below 256.
    SockFilter::new(code as u16, jump_if_true, 0, operand)
}
