//! One raw socket for each interface and family that a Virtual Router uses, opened and replaced as interfaces come and go.

use std::io;
use std::os::fd::AsFd;

use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use vrrp_packet::{Family, Vrid};

use crate::net::VrrpSocket;

use super::member::Member;

/// Shares one interface and family among its routers.
pub(super) struct Share {
    pub(super) interface: String,
    pub(super) family: Family,
    /// The open socket and the interface's index that it is bound to.
    pub(super) socket: Option<(u32, VrrpSocket)>,
    vrids: Vec<Vrid>,
    multicast: bool,
}

impl Share {
    /// Groups the routers; the result tells for each router the index of its share.
    pub(super) fn group(members: &[Member]) -> (Vec<Self>, Vec<usize>) {
        let mut shares: Vec<Self> = Vec::new();
        let mut share_of = Vec::with_capacity(members.len());
        for member in members {
            let plan = &member.plan;
            let known =
                shares.iter().position(|share| share.interface == plan.interface && share.family == plan.family);
            let index = known.unwrap_or_else(|| {
                shares.push(Self {
                    interface: plan.interface.clone(),
                    family: plan.family,
                    socket: None,
                    vrids: Vec::new(),
                    multicast: false,
                });
                shares.len() - 1
            });
            shares[index].vrids.push(plan.vrid);
            shares[index].multicast |= plan.peers.is_empty();
            share_of.push(index);
        }
        (shares, share_of)
    }

    pub(super) fn socket(&self) -> Option<&VrrpSocket> {
        self.socket.as_ref().map(|(_, socket)| socket)
    }

    /// Opens, keeps, replaces or closes the socket, so that it belongs to the interface of this index.
    ///
    /// # Errors
    /// What the kernel says; there is then no socket.
    pub(super) fn follow(&mut self, index: Option<u32>, epoll: &Epoll, token: u64) -> io::Result<()> {
        if self.socket.as_ref().map(|(bound, _)| *bound) == index {
            return Ok(());
        }
        // Closing the socket takes it out of the epoll set.
        self.socket = None;
        let Some(index) = index else { return Ok(()) };
        let socket = VrrpSocket::open(&self.interface, index, self.family, self.multicast)?;
        socket.set_filter(&self.vrids)?;
        epoll.add(socket.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, token))?;
        self.socket = Some((index, socket));
        Ok(())
    }
}
