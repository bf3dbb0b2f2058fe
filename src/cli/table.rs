//! The status document as people read it: a table, then whatever is out of the ordinary in words.

mod authentication;

use comfy_table::Table;

use crate::control::{Drain, Fault, RouterStatus, State, Status};

use super::paint::{Colour, span};

const HEADER: [&str; 7] = ["ROUTER", "STATE", "FOR", "PRIORITY", "INTERFACE", "ADDRESSES", "ACTIVE ROUTER"];

/// Renders the document, with colour marks (see [`super::paint`]).
pub(super) fn render(status: &Status) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(HEADER);
    table.add_rows(status.routers.iter().map(row));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text = table.trim_fmt();
    text.push_str("\n\n");
    for router in &status.routers {
        for note in notes(router) {
            text.push_str(&format!("{}: {note}\n", router.name));
        }
    }
    let agent = &status.agent;
    let foot = format!("vipd {} on {}, process {}, up {}", agent.version, agent.host, agent.pid, span(agent.uptime_ms));
    text + &Colour::Faint.mark(&foot) + "\n"
}

fn row(router: &RouterStatus) -> [String; 7] {
    [
        router.name.clone(),
        state(router),
        span(router.in_state_ms),
        match router.effective_priority {
            Some(effective) if effective != router.priority => format!("{effective} of {}", router.priority),
            Some(_) | None => router.priority.to_string(),
        },
        format!("{} vrid {}", router.interface, router.vrid),
        router.addresses.join("\n"),
        active_router(router),
    ]
}

fn state(router: &RouterStatus) -> String {
    let name = router.state.to_string().to_uppercase();
    match router.state {
        State::Active => Colour::Good.mark(&name),
        State::Backup => name,
        State::Initialize | State::Opening | State::Claiming | State::Releasing => Colour::Attention.mark(&name),
        State::Aside if router.drain != Drain::Off => Colour::Attention.mark(&name),
        State::Aside => Colour::Bad.mark(&name),
    }
}

fn active_router(router: &RouterStatus) -> String {
    match &router.active_router {
        Some(peer) => {
            format!("{} prio {}, heard {} ago", peer.source, peer.priority, span(peer.heard_ms_ago))
        }
        None if router.state == State::Active => "this node".to_owned(),
        None => "none heard".to_owned(),
    }
}

fn notes(router: &RouterStatus) -> Vec<String> {
    let fault = router.fault.map(|fault| Colour::Bad.mark(&format!("may not be Active: {}", reason(fault, router))));
    let drain = match router.drain {
        Drain::Off => None,
        Drain::Leaving => Some("drained: gives the role away"),
        Drain::Watching => Some("drained: waits until a peer has the role and kept it"),
        Drain::Done => Some("drained: stays out until `vipd resume`"),
    };
    let drain = drain.map(|drain| Colour::Attention.mark(drain));
    let next = router.deadline_in_ms.map(|millis| format!("; next try in {}", span(millis))).unwrap_or_default();
    let failures =
        (router.failures > 0).then(|| Colour::Bad.mark(&format!("failed {} in a row{next}", times(router.failures))));
    let unsent = (router.traffic.send_failed > 0)
        .then(|| format!("{} advertisements could not be sent", router.traffic.send_failed));
    let signatures = router.authentication.iter().flat_map(authentication::notes);
    [fault, drain, failures, unsent].into_iter().flatten().chain(signatures).chain(discarded(router)).collect()
}

fn reason(fault: Fault, router: &RouterStatus) -> String {
    let interface = &router.interface;
    match (fault, router.interface_index, router.link_up, router.source) {
        (Fault::Check, ..) => "a check fails".to_owned(),
        (Fault::Unrenewed, ..) => "the lease of the addresses is not renewed: the address thread hangs".to_owned(),
        (Fault::Deaf, None, ..) => format!("there is no interface {interface}"),
        (Fault::Deaf, Some(_), false, _) => format!("{interface} is down or has no carrier"),
        (Fault::Deaf, Some(_), true, None) => format!("{interface} has no {} address to send from", router.family),
        (Fault::Deaf, Some(_), true, Some(_)) => format!("{interface} is being looked at"),
    }
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn discarded(router: &RouterStatus) -> Option<String> {
    let reasons: Vec<String> = router
        .traffic
        .discarded
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(reason, count)| format!("{count} {}", reason.replace('_', " ")))
        .collect();
    (!reasons.is_empty()).then(|| format!("discarded packets: {}", reasons.join(", ")))
}

#[cfg(test)]
mod tests;
