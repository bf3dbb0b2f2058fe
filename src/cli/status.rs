//! `vipd status`: the agent's document as a table, as JSON, once or every second.

use core::time::Duration;
use std::io::{self, IsTerminal, Write};

use tokio::signal::unix::{SignalKind, signal};

use crate::control::{Client, ClientError, Status};

use super::args::StatusArgs;
use super::exit::{Exit, Failure, Outcome, written};
use super::{paint, table};

const EVERY: Duration = Duration::from_secs(1);

/// The terminal's second screen, so that what was there before comes back.
const ENTER_SCREEN: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE_SCREEN: &str = "\x1b[?25h\x1b[?1049l";
const HOME_AND_CLEAR: &str = "\x1b[H\x1b[2J";

pub(super) async fn execute(args: &StatusArgs, client: &Client) -> Outcome {
    if args.watch {
        return watch(args, client).await;
    }
    let text = text(args, &client.status().await?)?;
    written(io::stdout().lock().write_all(text.as_bytes()))?;
    Ok(Exit::Done)
}

fn text(args: &StatusArgs, status: &Status) -> Result<String, Failure> {
    let json = match (args.json, args.watch) {
        (false, _) => return Ok(paint::finish(&table::render(status), paint::coloured(&io::stdout()))),
        (true, false) => serde_json::to_string_pretty(status),
        // A line for each document, for programs that read on.
        (true, true) => serde_json::to_string(status),
    };
    json.map(|json| json + "\n").map_err(|error| Failure::new(Exit::Failed, format!("write JSON: {error}")))
}

async fn watch(args: &StatusArgs, client: &Client) -> Outcome {
    let screen = Screen::enter(!args.json && io::stdout().is_terminal());
    let mut ticks = tokio::time::interval(EVERY);
    let unwatched = |error| Failure::new(Exit::Failed, format!("watch for signals: {error}"));
    // Handled, so that the terminal's first screen comes back.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unwatched)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unwatched)?;
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(Exit::Done),
            _ = terminate.recv() => return Ok(Exit::Done),
            _ = ticks.tick() => {}
        }
        let text = match client.status().await {
            Ok(status) => text(args, &status)?,
            // An agent that restarts comes back; whoever watches wants to see both.
            Err(error @ (ClientError::NoAgent(_) | ClientError::Silent(..))) if screen.entered => format!("{error}\n"),
            Err(error) => return Err(error.into()),
        };
        match screen.draw(&text) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Done),
            drawn => written(drawn)?,
        }
    }
}

/// Holds the terminal's second screen for as long as it lives.
struct Screen {
    entered: bool,
}

impl Screen {
    fn enter(terminal: bool) -> Self {
        if terminal {
            print(ENTER_SCREEN);
        }
        Self { entered: terminal }
    }

    fn draw(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let start = if self.entered { HOME_AND_CLEAR } else { "" };
        write!(out, "{start}{text}")?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.entered {
            print(LEAVE_SCREEN);
        }
    }
}

fn print(codes: &str) {
    let mut out = io::stdout().lock();
    // A terminal that is gone needs no codes.
    let _ = out.write_all(codes.as_bytes()).and_then(|()| out.flush());
}
