//! `vipd resume`: ends a drain.

use std::io::{self, Write};

use crate::control::{Client, ResumeRequest};

use super::args::ResumeArgs;
use super::exit::{Exit, Outcome, written};

pub(super) async fn execute(args: &ResumeArgs, client: &Client) -> Outcome {
    let changed = client.resume(&ResumeRequest { router: args.name.clone() }).await?;
    let text: String = changed.routers.iter().map(|router| format!("{router}: takes part\n")).collect();
    written(io::stdout().lock().write_all(text.as_bytes()))?;
    Ok(Exit::Done)
}
