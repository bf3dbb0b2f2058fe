//! Who is at the other end of a Unix socket, as the kernel knows it.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::sys::socket::{getsockopt, sockopt};

/// Names the user who connected, as of that moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// The effective user.
    pub user: u32,
    /// The effective group and the supplementary ones.
    pub groups: Vec<u32>,
}

/// More groups than the kernel lets a process have (NGROUPS_MAX).
const MOST_GROUPS: usize = 65_536;

impl Peer {
    /// Asks who connected to the other end.
    ///
    /// # Errors
    /// What the kernel says, in practice only that this is no connected Unix socket, or a kernel before 4.13.
    pub fn of(socket: &impl AsFd) -> io::Result<Self> {
        let credentials = getsockopt(&socket.as_fd(), sockopt::PeerCredentials)?;
        let mut groups = supplementary(socket)?;
        groups.push(credentials.gid());
        Ok(Self { user: credentials.uid(), groups })
    }
}

fn supplementary(socket: &impl AsFd) -> io::Result<Vec<u32>> {
    let mut groups = vec![0_u32; 64];
    loop {
        let room = groups.len() * size_of::<u32>();
        let mut length = libc::socklen_t::try_from(room).map_err(io::Error::other)?;
        // SAFETY: the buffer has `length` bytes and lives until the call returns, as does `length` itself.
        let result = unsafe {
            libc::getsockopt(
                socket.as_fd().as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        let count = usize::try_from(length).unwrap_or(0) / size_of::<u32>();
        if result == 0 {
            groups.truncate(count);
            return Ok(groups);
        }
        let error = io::Error::last_os_error();
        // Too small: the kernel has told how much room it needs.
        if error.raw_os_error() != Some(libc::ERANGE) || count <= groups.len() || count > MOST_GROUPS {
            return Err(error);
        }
        groups.resize(count, 0);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::os::unix::net::UnixStream;
    use std::thread;

    use nix::unistd::{Gid, getegid, geteuid, getgroups};

    use super::*;

    #[test]
    fn a_process_sees_itself_with_all_its_groups() {
        let (near, _far) = UnixStream::pair().unwrap();

        let peer = Peer::of(&near).unwrap();

        assert_eq!(peer.user, geteuid().as_raw());
        let mut expected: Vec<u32> = getgroups().unwrap().into_iter().chain([getegid()]).map(Gid::as_raw).collect();
        let mut groups = peer.groups;
        groups.sort_unstable();
        expected.sort_unstable();
        assert_eq!(groups, expected);
    }

    #[test]
    fn a_user_in_hundreds_of_groups_is_seen_whole() {
        // The raw call changes the calling thread alone.
        let seen = thread::spawn(|| {
            let many: Vec<u32> = (1000..1300).collect();
            // SAFETY: the list lives until the call returns, and its length is given as it is.
            let result = unsafe { libc::syscall(libc::SYS_setgroups, many.len(), many.as_ptr()) };
            assert_eq!(result, 0, "this test changes its groups: run it as root");
            let (near, _far) = UnixStream::pair().unwrap();
            Peer::of(&near).unwrap().groups
        });

        let groups = seen.join().unwrap();

        assert_eq!(groups.len(), 301);
        assert!(groups.contains(&1299));
    }
}
