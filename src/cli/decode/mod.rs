//! `vipd decode`: each advertisement in a capture, and why vipd would discard it.

mod capture;
mod frame;
mod line;
mod signature;
mod time;

use core::fmt::{self, Display};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde::Serialize;

use super::args::DecodeArgs;
use super::exit::{Exit, Failure, Outcome, written};
use capture::{Capture, CaptureError};

pub(crate) use capture::{Link, Recorded};
pub(crate) use line::Line;
pub(crate) use signature::Keys;

/// Says why not all was printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

pub(super) fn execute(args: &DecodeArgs) -> Outcome {
    let name = if is_stdin(&args.file) { "standard input".to_owned() } else { args.file.display().to_string() };
    let input: Box<dyn Read> = if is_stdin(&args.file) {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(&args.file).map_err(|error| unopened(&name, &error))?)
    };
    let keys = Keys::read(&args.keys)?;
    let mut output = io::stdout().lock();
    match decode(input, &mut output, args.json, &keys) {
        Ok(()) => Ok(Exit::Done),
        Err(Trouble::Output(error)) => written(Err(error)).map(|()| Exit::Done),
        Err(Trouble::Capture(error)) => Err(unread(&name, &error)),
    }
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

fn unopened(name: &str, error: &io::Error) -> Failure {
    let exit = if error.kind() == io::ErrorKind::PermissionDenied { Exit::NotPermitted } else { Exit::Failed };
    Failure::new(exit, format!("open {name}: {error}")).hint("name a capture, or `-` for standard input")
}

fn unread(name: &str, error: &CaptureError) -> Failure {
    let hint = match error {
        CaptureError::Empty | CaptureError::Unknown => {
            "write one with `tcpdump -w capture.pcap 'proto 112 or arp or icmp6'`"
        }
        CaptureError::CutOff | CaptureError::Damaged(_) => "what could be read is printed; capture with `tcpdump -U`",
        CaptureError::LinkType(_) => "capture on an Ethernet interface, or with `-i any`",
        CaptureError::Read(_) => "what could be read is printed",
    };
    Failure::new(Exit::Failed, format!("read {name}: {error}")).hint(hint)
}

/// Prints every packet that concerns VRRP, then how many there were, also of what could be read of a damaged capture.
pub(crate) fn decode(input: impl Read, output: &mut impl Write, json: bool, keys: &Keys) -> Result<(), Trouble> {
    let mut capture = Capture::open(input)?;
    let mut count = Count::default();
    let end = loop {
        let recorded = match capture.next() {
            Ok(Some(recorded)) => recorded,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        let line = Line::of(&recorded, keys);
        count.add(line.as_ref());
        match line {
            Some(line) if json => print_json(output, &line)?,
            Some(line) => writeln!(output, "{line}")?,
            None => {}
        }
    };
    if json {
        print_json(output, &Summary::Summary(count))?;
    } else {
        writeln!(output, "{count}")?;
    }
    Ok(end?)
}

fn print_json(output: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    let line = serde_json::to_string(line)?;
    writeln!(output, "{line}")
}

/// Gives the last JSON object the same `kind` key as the others.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Summary {
    Summary(Count),
}

/// Counts packets by what they are.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Default, Debug)]
struct Count {
    packets: u64,
    advertisements: u64,
    discarded: u64,
    announcements: u64,
}

impl Count {
    fn add(&mut self, line: Option<&Line>) {
        self.packets += 1;
        match line.map(Line::discarded) {
            Some(Some(discarded)) => {
                self.advertisements += 1;
                self.discarded += u64::from(discarded);
            }
            Some(None) => self.announcements += 1,
            None => {}
        }
    }
}

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { packets, advertisements, discarded, announcements } = self;
        let others = packets - advertisements - announcements;
        write!(f, "packets: {packets}, of these advertisements: {advertisements} (to discard: {discarded}), ")?;
        write!(f, "announcements: {announcements}, others: {others}")
    }
}

#[cfg(test)]
mod tests;
