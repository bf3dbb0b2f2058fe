//! Who may ask for what: whoever reaches the socket may look, and few may change something.

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum::serve::IncomingStream;

use super::connections::Connections;
use super::request::{Problem, Reason};
use super::server::Refusal;
use crate::net::Peer;

/// Says who is at the other end; `None` where the kernel does not tell.
#[derive(Clone, Debug)]
pub(super) struct Client(Option<Peer>);

impl Connected<IncomingStream<'_, Connections>> for Client {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Self {
        Self(Peer::of(stream.io().stream()).ok())
    }
}

/// Decides who may change something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Owners {
    user: u32,
    group: u32,
}

impl Owners {
    /// Takes the group of the socket's file; the user is that of this process.
    pub(super) fn new(group: u32) -> Self {
        Self { user: nix::unistd::geteuid().as_raw(), group }
    }

    fn admit(self, peer: &Peer) -> bool {
        peer.user == 0 || peer.user == self.user || peer.groups.contains(&self.group)
    }
}

/// Lets a request pass whose sender may change something.
pub(super) async fn check(
    State(owners): State<Owners>,
    ConnectInfo(Client(peer)): ConnectInfo<Client>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    if peer.is_some_and(|peer| owners.admit(&peer)) {
        return Ok(next.run(request).await);
    }
    let error = "this user may look at the agent, and change nothing";
    let help = "run this as root, or as a member of the group that owns the socket";
    Err(Refusal::from(Problem::new(Reason::NotPermitted, error, help)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNERS: Owners = Owners { user: 500, group: 70 };

    fn peer(user: u32, groups: &[u32]) -> Peer {
        Peer { user, groups: groups.to_vec() }
    }

    #[test]
    fn root_the_agents_user_and_the_sockets_group_may_change_something() {
        assert!(OWNERS.admit(&peer(0, &[0])));
        assert!(OWNERS.admit(&peer(500, &[500])));
        assert!(OWNERS.admit(&peer(1000, &[1000, 70])));
    }

    #[test]
    fn everybody_else_may_not() {
        assert!(!OWNERS.admit(&peer(1000, &[0, 1000])));
        assert!(!OWNERS.admit(&peer(70, &[])));
    }
}
