//! Which sequences of signed advertisements were used: a file beside the control socket, so that a restart admits no replay
//! (ownership rule 28).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vrrp_packet::Sequence;

use crate::engine::{Mark, Marks, Memory};

/// Holds what is kept of one router; sequences as the 64 bits that stand on the wire.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug, Default)]
pub(super) struct Record {
    /// No later sequence was used to sign.
    sent: Option<u64>,
    /// The last sequence that was accepted from each sender.
    heard: BTreeMap<IpAddr, u64>,
}

impl Record {
    pub(super) fn new(sent: Option<Sequence>, heard: &Marks) -> Self {
        let heard = heard.iter().map(|mark| (mark.source, mark.sequence.to_bits())).collect();
        Self { sent: sent.map(Sequence::to_bits), heard }
    }
}

/// Keeps the records of all routers that sign or verify, by name.
#[derive(Debug)]
pub(super) struct UsedSequences {
    path: PathBuf,
    records: BTreeMap<String, Record>,
}

impl UsedSequences {
    /// Reads what an earlier run left; a missing file means that nothing was used.
    ///
    /// # Errors
    /// What the file system says, or that the file holds no records.
    pub(super) fn load(directory: &Path) -> io::Result<Self> {
        let path = directory.join("sequences.json");
        let records = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { path, records })
    }

    /// Returns what is known of a router.
    pub(super) fn of(&self, name: &str) -> Memory {
        let mut memory = Memory::default();
        if let Some(record) = self.records.get(name) {
            memory.sent = record.sent.map(Sequence::from_bits);
            for (&source, &bits) in &record.heard {
                memory.heard.set(Mark { source, sequence: Sequence::from_bits(bits), offset_nanos: 0 });
            }
        }
        memory
    }

    /// Replaces the records; writes only where that changes something.
    ///
    /// # Errors
    /// What the file system says; the file then holds the records of an earlier time.
    pub(super) fn store(&mut self, records: BTreeMap<String, Record>) -> io::Result<()> {
        if records == self.records {
            return Ok(());
        }
        // A reader finds the old records or the new ones, never half of them.
        let draft = self.path.with_extension("json.new");
        fs::write(&draft, serde_json::to_vec(&records)?)?;
        fs::rename(&draft, &self.path)?;
        self.records = records;
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    fn memory() -> Memory {
        let mut memory = Memory { sent: Some(Sequence::from_bits(u64::MAX)), ..Memory::default() };
        for (source, bits) in [("10.77.0.2", 7), ("fe80::2", u64::MAX - 1)] {
            let source = source.parse().unwrap();
            memory.heard.set(Mark { source, sequence: Sequence::from_bits(bits), offset_nanos: 0 });
        }
        memory
    }

    #[test]
    fn what_was_used_is_known_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let record = Record::new(memory().sent, &memory().heard);

        let records = [("orders-db".to_owned(), record)].into();
        UsedSequences::load(directory.path()).unwrap().store(records).unwrap();

        let reloaded = UsedSequences::load(directory.path()).unwrap();
        assert_eq!(reloaded.of("orders-db"), memory());
        assert_eq!(reloaded.of("another"), Memory::default());
    }

    #[test]
    fn a_damaged_file_is_an_error_and_not_an_empty_memory() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("sequences.json"), r#"{"orders-db": {"sent": 1"#).unwrap();

        assert!(UsedSequences::load(directory.path()).is_err());
    }

    #[test]
    fn nothing_is_written_where_nothing_is_signed() {
        let directory = tempfile::tempdir().unwrap();

        UsedSequences::load(directory.path()).unwrap().store(BTreeMap::new()).unwrap();

        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
