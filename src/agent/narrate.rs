//! Turns what the election thread tells into log lines.

use std::net::IpAddr;

use nix::errno::Errno;
use tracing::{Span, info, info_span, warn};

use crate::config::VirtualRouter;
use crate::election::{Cause, Transition};
use crate::engine::News;

use super::identify::{Ears, macs_of};

/// Tells the story of one Virtual Router, each line in its span.
#[derive(Clone, Debug)]
pub(super) struct Narrator {
    span: Span,
    interface: String,
}

impl Narrator {
    pub(super) fn new(router: &VirtualRouter) -> Self {
        let span = info_span!("router", name = %router.name, vrid = router.vrid.get());
        Self { span, interface: router.interface.clone() }
    }

    /// Tells news; where it is about a stranger, after finding out who that is.
    pub(super) fn tell(&self, news: News, ears: &Ears) {
        match stranger(&news) {
            Some(source) => {
                let narrator = self.clone();
                let heard = ears.heard(&self.interface, source);
                tokio::spawn(async move {
                    let mac = macs_of(&narrator.interface, source, heard).await;
                    narrator.say(news, &mac);
                });
            }
            None => self.say(news, ""),
        }
    }

    /// Writes a line; `mac` says who a stranger is.
    fn say(&self, news: News, mac: &str) {
        let _entered = self.span.enter();
        let interface = &self.interface;
        match news {
            News::Transition(transition) => tell_transition(transition),
            News::Discarded { reason, source } => {
                let reason = reason.name();
                warn!(%source, mac, reason, "discarding packets of {source} at {mac} on {interface}; `vipd status` counts them");
            }
            News::Contended { source, priority, yields: true } => {
                info!(%source, mac, %priority, "{source} at {mac} takes the role with priority {priority}");
            }
            News::Contended { source, priority, yields: false } if priority.is_release() => {
                warn!(%source, mac, "{source} at {mac} was Active too and has given up the role");
            }
            News::Contended { source, priority, yields: false } => {
                warn!(%source, mac, %priority, "{source} at {mac} advertises priority {priority} although this node is Active");
            }
            // Told when something comes of it.
            News::Suspicion { .. } => {}
            News::IntervalDiffers { source, theirs } => {
                warn!(%source, "{source} advertises every {theirs}; set the same interval on every node");
            }
            News::AddressesDiffer { source } => {
                warn!(%source, "{source} advertises other addresses; list the same on every node");
            }
            News::SecondOwner { source } => {
                warn!(%source, "{source} also advertises priority 255; only one host can own the addresses");
            }
            News::SendFailed { priority, errno } => {
                let error = Errno::from_raw(errno).desc();
                warn!(%priority, "could not send an advertisement on {interface}: {error}");
            }
            News::SocketFailed { errno } => {
                let error = Errno::from_raw(errno).desc();
                warn!("could not open a VRRP socket on {interface}: {error}; trying again every second");
            }
            News::Interface { index: None, .. } => warn!("{interface} is not there; waiting for it"),
            News::Interface { up: false, .. } => warn!("{interface} is down"),
            News::Interface { source: None, .. } => {
                warn!("{interface} has no address to advertise from; waiting for one");
            }
            News::Interface { source: Some(source), .. } => {
                info!(%source, "{interface} is up, advertising from {source}");
            }
        }
    }
}

/// Returns whom news is about, where that need not be one of the routers that the operator knows.
fn stranger(news: &News) -> Option<IpAddr> {
    match news {
        News::Discarded { source, .. } | News::Contended { source, .. } => Some(*source),
        News::Transition(_)
        | News::Suspicion { .. }
        | News::IntervalDiffers { .. }
        | News::AddressesDiffer { .. }
        | News::SecondOwner { .. }
        | News::SendFailed { .. }
        | News::SocketFailed { .. }
        | News::Interface { .. } => None,
    }
}

fn tell_transition(transition: Transition) {
    let Transition { at: _, from, to, cause, epoch } = transition;
    let epoch = epoch.0;
    match cause {
        Cause::ClaimFailed
        | Cause::AddressesLost
        | Cause::GateRefused
        | Cause::WithdrawalUnconfirmed
        | Cause::Fault(_)
        | Cause::DrainRefused
        | Cause::Stalled { .. }
        | Cause::SendsFailed => warn!(%from, %to, epoch, "{from} -> {to}: {cause}"),
        Cause::Started
        | Cause::Owner
        | Cause::ActiveDown
        | Cause::HostGone { .. }
        | Cause::Preempted { .. }
        | Cause::Released { .. }
        | Cause::NotReleased { .. }
        | Cause::HigherPriority { .. }
        | Cause::HigherAddress { .. }
        | Cause::GateOpened
        | Cause::Confirmed
        | Cause::Withdrawn
        | Cause::FaultCleared
        | Cause::RetryDue
        | Cause::Drained
        | Cause::DrainSettled
        | Cause::Resumed
        | Cause::Shutdown => info!(%from, %to, epoch, "{from} -> {to}: {cause}"),
    }
}
