//! `vipd reload`: lets the agent read its configuration again.

use std::io::{self, Write};

use crate::control::{Client, ReloadChange, ReloadRequest, Reloaded, RouterReload};

use super::args::ReloadArgs;
use super::exit::{Exit, Outcome, written};

pub(super) async fn execute(args: &ReloadArgs, client: &Client) -> Outcome {
    let reloaded = client.reload(&ReloadRequest { dry_run: args.dry_run }).await?;
    // Where standard error is closed there is nobody left to warn.
    let _ = io::stderr().lock().write_all(reloaded.warnings.as_bytes());
    written(io::stdout().lock().write_all(text(&reloaded).as_bytes()))?;
    Ok(Exit::Done)
}

fn text(reloaded: &Reloaded) -> String {
    let mut text: String = reloaded.routers.iter().map(line).collect();
    if !reloaded.applied {
        text.push_str("nothing is applied: this was a dry run\n");
    }
    text
}

fn line(router: &RouterReload) -> String {
    let settings = router.settings.iter().map(|it| format!("{} {} -> {}", it.key, it.from, it.to));
    let settings = settings.collect::<Vec<_>>().join("; ");
    let RouterReload { name, .. } = router;
    match router.change {
        ReloadChange::Unchanged => format!("{name}: unchanged\n"),
        ReloadChange::Added => format!("{name}: added\n"),
        ReloadChange::Removed => format!("{name}: removed, after it has left its role in order\n"),
        ReloadChange::InPlace => format!("{name}: changed in place: {settings}\n"),
        ReloadChange::Anew => format!("{name}: leaves its role in order and starts anew: {settings}\n"),
    }
}
