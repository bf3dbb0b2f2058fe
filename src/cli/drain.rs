//! `vipd drain`: gives the role away, and with `--wait` watches that a peer has it and kept it.

use core::time::Duration;
use std::io::{self, Write};

use crate::control::{Client, Drain, DrainRequest, RouterStatus, Status};

use super::args::DrainArgs;
use super::exit::{Exit, Failure, Outcome, written};

/// How often the agent is asked; the shortest hand-over takes some ten milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub(super) async fn execute(args: &DrainArgs, client: &Client) -> Outcome {
    let request = DrainRequest { router: args.name.clone(), force: args.force };
    let drained = client.drain(&request).await?.routers;
    let mut shown = String::new();
    loop {
        let progress = Progress::of(&client.status().await?, &drained);
        if progress.text != shown {
            written(io::stdout().lock().write_all(progress.text.as_bytes()))?;
            shown.clone_from(&progress.text);
        }
        if !args.wait || progress.over {
            return match progress.returned.as_slice() {
                [] => Ok(Exit::Done),
                returned => Err(Failure::new(Exit::Failed, format!("not drained: {}", returned.join(", ")))
                    .hint("see with `vipd status` on the peer whether it may be Active; --force drains regardless")),
            };
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Sums up how far the drain of several routers has come.
#[derive(PartialEq, Eq, Debug)]
struct Progress {
    text: String,
    returned: Vec<String>,
    over: bool,
}

impl Progress {
    fn of(status: &Status, drained: &[String]) -> Self {
        let mut progress = Self { text: String::new(), returned: Vec::new(), over: true };
        for router in status.routers.iter().filter(|router| drained.contains(&router.name)) {
            let words = match router.drain {
                Drain::Off => {
                    progress.returned.push(router.name.clone());
                    returned(router)
                }
                Drain::Leaving | Drain::Watching => {
                    progress.over = false;
                    "gives the role away".to_owned()
                }
                Drain::Done => out(router),
            };
            progress.text.push_str(&format!("{}: {words}\n", router.name));
        }
        progress
    }
}

fn returned(router: &RouterStatus) -> String {
    if router.state.has_role() {
        "no peer took the role and kept it: it is back on this node".to_owned()
    } else {
        "takes part again: somebody resumed it".to_owned()
    }
}

fn out(router: &RouterStatus) -> String {
    match &router.active_router {
        Some(peer) => format!("out; {} is Active", peer.source),
        None => "out; no Active Router is heard".to_owned(),
    }
}
