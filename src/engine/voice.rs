//! How a Virtual Router speaks: advertisements to its group or to each of its peers.

use std::io;
use std::net::IpAddr;

use vrrp_packet::{ChecksumForm, Family, IpHeader, Outgoing, Priority, ReplayGuard, Sequence};

use crate::net::{GROUP_V4, GROUP_V6, VrrpSocket};

use super::plan::Plan;

/// Bytes of the longest advertisement: 255 IPv6 addresses and an authentication trailer.
pub(super) const LONGEST: usize = 8 + 255 * 16 + 28;

pub(super) struct Voice {
    form: ChecksumForm,
    group: [IpAddr; 1],
}

impl Voice {
    pub(super) fn new(plan: &Plan) -> Self {
        let group = match plan.family {
            Family::Ipv4 => IpAddr::V4(GROUP_V4),
            Family::Ipv6 => IpAddr::V6(GROUP_V6),
        };
        Self {
            // The installed base sends the pseudo-header and some of it accepts nothing else.
            form: plan.checksum.unwrap_or(ChecksumForm::PseudoHeader),
            group: [group],
        }
    }

    pub(super) fn checksum(&self) -> ChecksumForm {
        self.form
    }

    pub(super) fn set_checksum(&mut self, form: ChecksumForm) {
        self.form = form;
    }

    /// Sends an advertisement to the group or to every peer.
    ///
    /// `next_sequence` is asked for a sequence for each packet that is signed. It counts as sent where at least one
    /// destination took it (ownership rule 11). `payload` is room to write each packet in.
    ///
    /// # Errors
    /// The kernel's error number, where none did.
    pub(super) fn advertise(
        &mut self,
        plan: &Plan,
        socket: &VrrpSocket,
        source: IpAddr,
        priority: Priority,
        next_sequence: &mut dyn FnMut(ReplayGuard) -> Sequence,
        payload: &mut Vec<u8>,
    ) -> Result<(), i32> {
        let destinations = if plan.peers.is_empty() { &self.group[..] } else { &plan.peers[..] };
        let mut outcome = Err(libc::EDESTADDRREQ);
        for &destination in destinations {
            let ip = IpHeader { source, destination, hop_limit: u8::MAX };
            let outgoing = Outgoing {
                version: plan.settings.version,
                vrid: plan.vrid,
                priority,
                interval: plan.settings.interval,
                addresses: &plan.addresses,
                checksum: self.form,
                password: plan.password,
            };
            let signed = plan.authentication.as_ref().and_then(|it| it.signing_key.as_ref().map(|key| (key, it.guard)));
            let emitted = match signed {
                Some((key, guard)) => outgoing.emit_signed_into(&ip, key, next_sequence(guard), payload),
                None => outgoing.emit_into(&ip, payload),
            };
            // The configuration admits nothing that cannot be emitted.
            let sent = match emitted {
                Ok(()) => socket.send(source, destination, payload),
                Err(_) => Err(io::Error::from_raw_os_error(libc::EINVAL)),
            };
            match sent {
                Ok(()) => outcome = Ok(()),
                Err(error) if outcome.is_err() => outcome = Err(error.raw_os_error().unwrap_or(libc::EIO)),
                Err(_) => {}
            }
        }
        outcome
    }
}

/// Says Priority 0 for a router whose election thread is dead, through a socket of its own.
///
/// `form` is the one in which it sent last, which the peers can read; `None`: as its plan says. `next_sequence` is asked for a
/// sequence for each packet that is signed.
///
/// # Errors
/// What the kernel says.
pub fn say_farewell(
    plan: &Plan,
    interface_index: u32,
    source: IpAddr,
    form: Option<ChecksumForm>,
    mut next_sequence: impl FnMut(ReplayGuard) -> Sequence,
) -> io::Result<()> {
    let socket = VrrpSocket::open(&plan.interface, interface_index, plan.family, false)?;
    let mut voice = Voice::new(plan);
    if let Some(form) = form {
        voice.set_checksum(form);
    }
    let said = voice.advertise(plan, &socket, source, Priority::RELEASE, &mut next_sequence, &mut Vec::new());
    said.map_err(io::Error::from_raw_os_error)
}
