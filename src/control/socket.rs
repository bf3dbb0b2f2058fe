//! The socket file: made readable for its group only, taken over from a dead agent, removed at the end.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::net::privileges;

/// Listens; removes its file when it is dropped.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode, so that a successor's file is left alone.
    identity: (u64, u64),
    group: u32,
}

/// Says why the control socket could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another agent listens there.
    #[error("another agent answers on {}", .0.display())]
    Taken(PathBuf),
    /// Something else than a socket has that name.
    #[error("{} exists and is no socket", .0.display())]
    NotASocket(PathBuf),
    /// The kernel refused.
    #[error("control socket {}: {action}: {source}", .path.display())]
    System {
        /// The socket's path.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

impl ControlSocket {
    /// Listens on `path` with mode 0660, for this group where one is named; makes the directory where it is missing.
    ///
    /// # Errors
    /// [`BindError`] where somebody answers there already, where the path is no socket, or where the kernel refuses.
    pub fn bind(path: &Path, group: Option<&str>) -> Result<Self, BindError> {
        let failed = |action| move |source| BindError::System { path: path.to_owned(), action, source };
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o755).create(directory).map_err(failed("make its directory"))?;
        }
        refuse_if_alive(path)?;
        // Made under another name and renamed: nobody can connect before the mode is set, and a dead agent's file goes
        // away in the same step.
        let unfinished = PathBuf::from(format!("{}.{}", path.display(), std::process::id()));
        let _ = fs::remove_file(&unfinished);
        let listener = UnixListener::bind(&unfinished).map_err(failed("bind"))?;
        let finish = || {
            if let Some(group) = group {
                // A user may give its files to the groups that it is a member of.
                let number = privileges::group(group).map_err(failed("find its group"))?;
                let number = number.ok_or_else(|| failed("find its group")(io::ErrorKind::NotFound.into()))?;
                chown(&unfinished, None, Some(number)).map_err(failed("give it to its group"))?;
            }
            fs::set_permissions(&unfinished, Permissions::from_mode(0o660)).map_err(failed("set its mode"))?;
            listener.set_nonblocking(true).map_err(failed("make it non-blocking"))?;
            let metadata = fs::symlink_metadata(&unfinished).map_err(failed("look at it"))?;
            fs::rename(&unfinished, path).map_err(failed("put it in place"))?;
            Ok(((metadata.dev(), metadata.ino()), metadata.gid()))
        };
        match finish() {
            Ok((identity, group)) => Ok(Self { path: path.to_owned(), identity, listener, group }),
            Err(error) => {
                let _ = fs::remove_file(&unfinished);
                Err(error)
            }
        }
    }

    /// Returns the group that the socket's file belongs to.
    pub(super) fn group(&self) -> u32 {
        self.group
    }

    /// Registers the listener with the current tokio runtime.
    pub(super) fn listener(&self) -> io::Result<tokio::net::UnixListener> {
        tokio::net::UnixListener::from_std(self.listener.try_clone()?)
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let ours =
            fs::symlink_metadata(&self.path).is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.identity);
        if ours {
            // A file that stays is taken over by the next agent.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn refuse_if_alive(path: &Path) -> Result<(), BindError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(BindError::System { path: path.to_owned(), action: "look at it", source }),
        Ok(metadata) if !metadata.file_type().is_socket() => return Err(BindError::NotASocket(path.to_owned())),
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => Ok(()),
        Err(source) => Err(BindError::System { path: path.to_owned(), action: "ask whether anybody answers", source }),
        Ok(_) => Err(BindError::Taken(path.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn the_socket_is_for_owner_and_group_and_its_directory_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run/vipd.sock");

        let socket = ControlSocket::bind(&path, None).unwrap();

        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        drop(socket);
        assert!(!path.exists());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
    }

    #[test]
    fn a_dead_agents_socket_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vipd.sock");
        drop(UnixListener::bind(&path).unwrap());

        let socket = ControlSocket::bind(&path, None);

        assert!(socket.is_ok());
        assert!(UnixStream::connect(&path).is_ok());
    }

    #[test]
    fn a_living_agents_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vipd.sock");
        let _living = ControlSocket::bind(&path, None).unwrap();

        let second = ControlSocket::bind(&path, None);

        assert!(matches!(second, Err(BindError::Taken(_))));
        assert!(UnixStream::connect(&path).is_ok());
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vipd.sock");
        fs::write(&path, "precious").unwrap();

        assert!(matches!(ControlSocket::bind(&path, None), Err(BindError::NotASocket(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn a_successors_socket_survives_the_end_of_its_predecessor() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vipd.sock");
        let predecessor = ControlSocket::bind(&path, None).unwrap();
        fs::remove_file(&path).unwrap();
        let _successor = ControlSocket::bind(&path, None).unwrap();

        drop(predecessor);

        assert!(UnixStream::connect(&path).is_ok());
    }
}
