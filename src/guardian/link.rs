//! The agent's end of what ties it to its guardian.

use std::env::{self, VarError};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use super::{Applied, Table};
use crate::net::{FrameSocket, Wake, inherited, leave_open};

/// Carries the numbers of six file descriptors, with commas in between: the table, the liveness pipe, the frame socket,
/// what wakes the guardian, the death pipe and the applied configuration; after them the generation.
pub(super) const VARIABLE: &str = "VIPD_GUARDIAN";

/// Ties the agent to its guardian.
///
/// Polled, it becomes readable when the guardian has died; nothing is ever written to it.
#[derive(Debug)]
pub struct Link {
    table: Table,
    liveness: OwnedFd,
    frames: OwnedFd,
    applied: Applied,
    wake: Wake,
    generation: u64,
}

/// Says what is wrong with the environment that a guardian should have set.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The variable is there, but not as a guardian writes it.
    #[error("{VARIABLE} is set by hand or damaged: start the agent with `vipd run`")]
    Malformed,
    /// The file descriptors are not there, or something else.
    #[error("cannot reach the guardian: {0}")]
    Kernel(#[from] io::Error),
}

impl Link {
    /// Finds what the guardian left in the environment, or `None` where the process has none.
    ///
    /// # Errors
    /// [`LinkError`] where the environment names a guardian that cannot be reached.
    pub fn from_environment() -> Result<Option<Self>, LinkError> {
        match env::var(VARIABLE) {
            Ok(numbers) => Self::from_numbers(&numbers).map(Some),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(LinkError::Malformed),
        }
    }

    fn from_numbers(numbers: &str) -> Result<Self, LinkError> {
        let (descriptors, generation) = numbers.rsplit_once(',').ok_or(LinkError::Malformed)?;
        let generation = generation.parse().map_err(|_| LinkError::Malformed)?;
        let descriptors: Result<Vec<RawFd>, _> = descriptors.split(',').map(str::parse).collect();
        let [table, liveness, frames, wake, death, applied] =
            descriptors.ok().as_deref().and_then(|all| all.try_into().ok()).ok_or(LinkError::Malformed)?;
        // The guardian sees the kernel close it.
        leave_open(death)?;
        Ok(Self {
            table: Table::from_fd(inherited(table)?)?,
            liveness: inherited(liveness)?,
            frames: inherited(frames)?,
            applied: Applied::from_fd(inherited(applied)?)?,
            wake: Wake::from_fd(inherited(wake)?),
            generation,
        })
    }

    /// Returns the socket that announcements leave through; the guardian holds it, too.
    ///
    /// # Errors
    /// What the kernel says where the process has too many files open.
    pub fn frame_socket(&self) -> io::Result<FrameSocket> {
        self.frames.try_clone().map(FrameSocket::from)
    }

    /// Returns what the agent runs with, kept for the guardian and the next agent.
    pub const fn applied(&self) -> &Applied {
        &self.applied
    }

    /// Tells whether the guardian has given up on this agent, which may then not touch an address any more.
    pub fn is_superseded(&self) -> bool {
        self.table.generation() != self.generation
    }

    /// Makes the guardian look: something is promised for sooner than before, or another configuration is applied.
    pub fn wake_guardian(&self) {
        self.wake.notify();
    }

    /// Returns what becomes readable when the guardian has died; nothing is ever written to it.
    pub const fn liveness(&self) -> &OwnedFd {
        &self.liveness
    }

    /// Returns the table that the guardian reads.
    pub const fn table(&self) -> &Table {
        &self.table
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.liveness.as_fd()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;
    use crate::net::testing::{becomes_readable, is_readable};

    #[test]
    fn the_agent_writes_where_the_guardian_reads_and_sees_it_die() {
        let table = Table::create(1).unwrap();
        let (reader, writer) = io::pipe().unwrap();

        let (frames, applied) = (FrameSocket::open().unwrap(), Applied::create().unwrap());
        let wake = Wake::new().unwrap();
        let (_, alive) = io::pipe().unwrap();
        let descriptors = [table.as_fd(), reader.as_fd(), frames.as_fd(), wake.as_fd(), alive.as_fd(), applied.as_fd()];
        let descriptors = descriptors.map(|it| it.as_raw_fd().to_string()).join(",");

        let link = Link::from_numbers(&format!("{descriptors},0")).unwrap();

        link.table().set_active(0, true);
        link.applied().write(b"text").unwrap();
        assert!(table.is_active(0));
        assert_eq!(applied.read(), Some((1, b"text".to_vec())));
        link.wake_guardian();
        assert!(becomes_readable(&wake));
        assert!(!link.is_superseded());
        table.supersede();
        assert!(link.is_superseded());
        assert!(!is_readable(&link));
        drop(writer);
        assert!(becomes_readable(&link));
    }

    #[test]
    fn numbers_that_no_guardian_wrote_are_refused() {
        for numbers in ["", "3", "3,4", "3,4,5,6,7,8", "a,b,c,d,e,f,0", "3,4,5,6,7,8,x", "3,4,5,6,7,8,9,0"] {
            assert!(matches!(Link::from_numbers(numbers), Err(LinkError::Malformed)), "{numbers}");
        }
        let file = tempfile::tempfile().unwrap();
        let not_a_table = format!("{0},{0},{0},{0},{0},{0},0", file.as_raw_fd());
        for numbers in ["-1,-1,-1,-1,-1,-1,0", "9999,9999,9999,9999,9999,9999,0", &not_a_table] {
            assert!(matches!(Link::from_numbers(numbers), Err(LinkError::Kernel(_))), "{numbers}");
        }
    }
}
