//! One raw socket for each interface and family that a Virtual Router uses, opened and replaced as interfaces come and go.

use std::io;
use std::os::fd::AsFd;

use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use vrrp_packet::{Family, Vrid};

use crate::net::VrrpSocket;

use super::member::Member;
use super::plan::Plan;

/// Shares one interface and family among its routers.
pub(super) struct Share {
    pub(super) interface: String,
    pub(super) family: Family,
    /// The open socket and the interface's index that it is bound to.
    pub(super) socket: Option<(u32, VrrpSocket)>,
    vrids: Vec<Vrid>,
    /// Which router each VRID belongs to.
    routers: Box<[Option<usize>; 256]>,
    multicast: bool,
}

impl Share {
    /// Makes the share of a router, which is not yet served.
    fn of(plan: &Plan) -> Self {
        Self {
            interface: plan.interface.clone(),
            family: plan.family,
            socket: None,
            vrids: Vec::new(),
            routers: Box::new([None; 256]),
            multicast: false,
        }
    }

    /// Returns the router that a VRID belongs to.
    pub(super) fn router(&self, vrid: Vrid) -> Option<usize> {
        self.routers[usize::from(vrid.get())]
    }

    /// Groups the routers; the result tells for each router the index of its share.
    pub(super) fn group(members: &[Member]) -> (Vec<Self>, Vec<usize>) {
        let mut shares: Vec<Self> = Vec::new();
        let mut share_of = Vec::with_capacity(members.len());
        for member in members {
            let plan = &member.plan;
            let known =
                shares.iter().position(|share| share.interface == plan.interface && share.family == plan.family);
            let index = known.unwrap_or_else(|| {
                shares.push(Self::of(plan));
                shares.len() - 1
            });
            shares[index].vrids.push(plan.vrid);
            shares[index].routers[usize::from(plan.vrid.get())] = Some(share_of.len());
            shares[index].multicast |= plan.peers.is_empty();
            share_of.push(index);
        }
        (shares, share_of)
    }

    /// Finds the share that a router belongs to, or makes one, in the place of one that nobody uses any more.
    pub(super) fn find_or_add(shares: &mut Vec<Self>, plan: &Plan) -> usize {
        let is_its = |share: &Self| share.interface == plan.interface && share.family == plan.family;
        if let Some(known) = shares.iter().position(is_its) {
            return known;
        }
        let share = Self::of(plan);
        match shares.iter_mut().enumerate().find(|(_, share)| share.vrids.is_empty()) {
            Some((index, unused)) => {
                *unused = share;
                index
            }
            None => {
                shares.push(share);
                shares.len() - 1
            }
        }
    }

    /// Lets through what these routers want to hear, from now on.
    ///
    /// # Errors
    /// What the kernel says; the socket may then miss some of it.
    pub(super) fn serve(&mut self, routers: &[(usize, &Plan)]) -> io::Result<()> {
        self.vrids = routers.iter().map(|(_, plan)| plan.vrid).collect();
        self.routers.fill(None);
        for (index, plan) in routers {
            self.routers[usize::from(plan.vrid.get())] = Some(*index);
        }
        let multicast = routers.iter().any(|(_, plan)| plan.peers.is_empty());
        // A group that nobody needs any more is not left: what it brings is discarded (ownership rule 1).
        let joins = multicast && !self.multicast;
        self.multicast |= multicast;
        if routers.is_empty() {
            (self.socket, self.multicast) = (None, false);
        }
        let Some((_, socket)) = &self.socket else { return Ok(()) };
        if joins {
            socket.join_group()?;
        }
        socket.set_filter(&self.vrids)
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
        let Some(index) = index.filter(|_| !self.vrids.is_empty()) else { return Ok(()) };
        let socket = VrrpSocket::open(&self.interface, index, self.family, self.multicast)?;
        socket.set_filter(&self.vrids)?;
        epoll.add(socket.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, token))?;
        self.socket = Some((index, socket));
        Ok(())
    }
}
