//! The state file: which addresses are ours even after a crash (ownership rule 15).
//!
//! One line an address: interface, a space, address/prefix. It is written before the address is claimed, so that at
//! worst it names an address that is not there.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::host::Host;
use super::kernel::{PROTOCOL, Target};
use super::message::Place;

/// Keeps the record of claimed addresses.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    temporary: PathBuf,
    /// What the file holds, so that it is written only when something changes; `None`: not known.
    written: Option<String>,
}

impl StateFile {
    pub(super) fn new(path: &Path) -> Self {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".new");
        Self { path: path.to_owned(), temporary: temporary.into(), written: None }
    }

    /// Records exactly these addresses; no address leaves no file.
    pub(super) fn record<'a>(&mut self, targets: impl Iterator<Item = &'a Target>) -> io::Result<()> {
        let mut text = String::new();
        for Target { interface, address, prefix, .. } in targets {
            text.push_str(&format!("{interface} {address}/{prefix}\n"));
        }
        if self.written.as_deref() == Some(text.as_str()) {
            return Ok(());
        }
        self.written = None;
        if text.is_empty() {
            match fs::remove_file(&self.path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        } else {
            // The rename replaces the file as a whole. No fsync: after a crash of the machine no address is left.
            fs::write(&self.temporary, &text)?;
            fs::rename(&self.temporary, &self.path)?;
        }
        self.written = Some(text);
        Ok(())
    }

    /// Reads what an earlier run recorded; no file means nothing.
    pub(super) fn read(&self) -> io::Result<Vec<Place>> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(text.lines().filter_map(parse).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads a line; one that was damaged names nothing.
fn parse(line: &str) -> Option<Place> {
    let (interface, rest) = line.split_once(' ')?;
    let (address, prefix) = rest.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    Some(Place { address, prefix: prefix.parse().ok()?, interface: interface.to_owned() })
}

/// Chooses what an earlier run left behind: what it recorded, and planned addresses that carry our mark.
///
/// Where the kernel marks addresses, a recorded one without our mark is somebody else's: ours ended with its lease, and
/// an operator has configured it since.
pub(super) fn leftovers(host: &Host, recorded: &[Place]) -> Vec<(u32, Place)> {
    // A kernel that marks at all has marked its own loopback address.
    let has_marks = host.addresses().any(|(_, known)| known.protocol != 0);
    host.addresses()
        .map(|(link, known)| {
            let place = Place { address: known.address, prefix: known.prefix, interface: link.name.clone() };
            (known, place)
        })
        .filter(|(known, place)| {
            let is_marked = known.protocol == PROTOCOL;
            let is_recorded = recorded.contains(place);
            (is_marked && (is_recorded || host.is_virtual(known.address))) || (is_recorded && !has_marks)
        })
        .map(|(known, place)| (known.index, place))
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_line_names_nothing_and_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("addresses");
        fs::write(&path, "eth0 10.0.0.1/24\neth0 10.0.0./24\n\neth0\neth1 fd00::1/64\n").unwrap();

        let places = StateFile::new(&path).read().unwrap();

        let texts: Vec<String> = places.iter().map(Place::to_string).collect();
        assert_eq!(texts, ["10.0.0.1/24 on eth0", "fd00::1/64 on eth1"]);
    }

    #[test]
    fn no_file_means_nothing() {
        let folder = tempfile::tempdir().unwrap();

        assert_eq!(StateFile::new(&folder.path().join("addresses")).read().unwrap(), []);
    }
}
