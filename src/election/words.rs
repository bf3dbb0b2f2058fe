//! How states and causes read in a log line.

use core::fmt;

use super::event::{Cause, Fault, StateName};

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Initialize => "Initialize",
            Self::Backup => "Backup",
            Self::Aside => "Aside",
            Self::Opening => "Opening",
            Self::Claiming => "Claiming",
            Self::Active => "Active",
            Self::Releasing => "Releasing",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deaf => "the interface is not there, is down, or has no address to advertise from",
            Self::Check => "a check with `on_failure: fault` fails",
            Self::Unrenewed => "the lease of the addresses is not renewed: the address thread hangs",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("the agent started"),
            Self::Owner => f.write_str("the agent started and owns the addresses"),
            Self::ActiveDown => f.write_str("the Active Router was not heard for Active_Down_Interval"),
            Self::HostGone { peer } => write!(f, "{peer} is silent and its host does not answer"),
            Self::Preempted { peer, priority } => write!(f, "{peer} is Active with the lower priority {priority}"),
            Self::Released { by } => write!(f, "{by} gave up the role"),
            Self::NotReleased { peer } => write!(f, "{peer} was deposed and did not say Priority 0 in time"),
            Self::HigherPriority { peer, priority } => write!(f, "{peer} advertises the higher priority {priority}"),
            Self::HigherAddress { peer } => {
                write!(f, "{peer} advertises the same priority and has the greater address")
            }
            Self::GateOpened => f.write_str("the database gate is open"),
            Self::GateRefused => f.write_str("the database gate refused"),
            Self::Confirmed => f.write_str("the kernel confirmed the addresses"),
            Self::ClaimFailed => f.write_str("an address could not be configured"),
            Self::AddressesLost => f.write_str("the addresses went away and could not be kept"),
            Self::Withdrawn => f.write_str("the addresses are gone"),
            Self::WithdrawalUnconfirmed => {
                f.write_str("the withdrawal is not confirmed in time: falling silent, the lease bounds the rest")
            }
            Self::Fault(fault) => fault.fmt(f),
            Self::FaultCleared => f.write_str("the fault is over"),
            Self::RetryDue => f.write_str("the wait after the failure is over"),
            Self::Drained => f.write_str("the operator drained this node"),
            Self::DrainSettled => f.write_str("a peer has the role and kept it"),
            Self::DrainRefused => f.write_str("no peer took the role and kept it"),
            Self::Resumed => f.write_str("the operator lets this node take part again"),
            Self::Stalled { by } => write!(f, "this process was not running for {by:.1?}"),
            Self::SendsFailed => f.write_str("no advertisement could be sent for three intervals"),
            Self::Shutdown => f.write_str("the agent ends"),
        }
    }
}
