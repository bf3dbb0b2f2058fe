//! Turns what the election thread tells into log lines.

use nix::errno::Errno;
use tracing::{Span, info, info_span, warn};

use crate::config::VirtualRouter;
use crate::election::{Cause, Transition};
use crate::engine::News;

/// Tells the story of one Virtual Router, each line in its span.
#[derive(Debug)]
pub(super) struct Narrator {
    span: Span,
    interface: String,
}

impl Narrator {
    pub(super) fn new(router: &VirtualRouter) -> Self {
        let span = info_span!("router", name = %router.name, vrid = router.vrid.get());
        Self { span, interface: router.interface.clone() }
    }

    pub(super) fn tell(&self, news: News) {
        let _entered = self.span.enter();
        let interface = &self.interface;
        match news {
            News::Transition(transition) => tell_transition(transition),
            News::Discarded { reason, source } => {
                warn!(%source, reason = reason.name(), "discarding packets on {interface}; `vipd status` counts them");
            }
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
        | Cause::Preempted { .. }
        | Cause::Released { .. }
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
