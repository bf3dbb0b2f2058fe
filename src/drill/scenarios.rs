//! Every scenario, and what is expected of each.

use core::time::Duration;

use super::lifeless::Lifeless;
use super::scenario::{Fault, Scenario, Targets};
use super::strain::Strain;

/// A planned hand-over costs the client this much beyond the noise.
const PLANNED: Targets = Targets { outage: Duration::from_millis(3), two_owners: Duration::ZERO };
/// An address that somebody removed is back after this time, and a role that was refused too.
pub(super) const PUT_RIGHT: Targets = Targets { outage: Duration::from_millis(10), two_owners: Duration::ZERO };
/// Two Active Routers that meet again settle with one advertisement, and the loser's addresses leave this fast.
const SETTLED: Targets = Targets { outage: Duration::from_millis(3), two_owners: Duration::from_millis(3) };

/// The client has to share the processors: only that the role stays is the nodes' business.
const STRAINED: Targets = Targets { outage: Duration::from_millis(100), two_owners: Duration::ZERO };

/// Lists every scenario, in the order in which they are played.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "host-death",
        summary: "the Active host dies: its cable goes silent and every process ends",
        drained: false,
        fault: Fault::HostDeath { probed: false },
        preempt: true,
        targets: PLANNED,
    },
    Scenario {
        name: "suspicion",
        summary: "the same where the peer probes the host of a late Active Router",
        drained: false,
        fault: Fault::HostDeath { probed: true },
        preempt: true,
        targets: Targets { outage: Duration::from_millis(50), two_owners: Duration::ZERO },
    },
    Scenario {
        name: "kill",
        summary: "the agent of the Active node is killed; its guardian lives",
        drained: false,
        fault: Fault::KillAgent,
        // Else the agent, started again by the guardian, would take the role back within the run.
        preempt: false,
        targets: Targets { outage: Duration::from_millis(20), two_owners: Duration::ZERO },
    },
    Scenario {
        name: "drain",
        summary: "the operator drains the Active node",
        drained: false,
        fault: Fault::Drain,
        preempt: true,
        targets: PLANNED,
    },
    Scenario {
        name: "failback",
        summary: "the drained preferred node resumes and takes the role back",
        drained: true,
        fault: Fault::Resume,
        preempt: true,
        targets: PLANNED,
    },
    Scenario {
        name: "term",
        summary: "`vipd run` is stopped on the Active node",
        drained: false,
        fault: Fault::Terminate,
        preempt: true,
        targets: PLANNED,
    },
    Scenario {
        name: "restart",
        summary: "`vipd run` is restarted on the Active node, which takes its role back",
        drained: false,
        fault: Fault::Restart { returns: true },
        preempt: true,
        targets: PLANNED,
    },
    Scenario {
        name: "restart-stay",
        summary: "`vipd run` is restarted on the Active node, and its peer keeps the role",
        drained: false,
        fault: Fault::Restart { returns: false },
        preempt: false,
        targets: PLANNED,
    },
    Scenario {
        name: "carrier",
        summary: "the interface of the Active node loses its carrier",
        drained: false,
        fault: Fault::Carrier,
        preempt: true,
        targets: PLANNED,
    },
    Scenario {
        name: "one-way",
        summary: "what the Active node sends does not reach its peer, for a while",
        drained: false,
        fault: Fault::Unheard,
        preempt: true,
        targets: SETTLED,
    },
    Scenario {
        name: "one-way-reverse",
        summary: "what the peer sends does not reach the Active node, for a while",
        drained: false,
        fault: Fault::Unhearing,
        preempt: true,
        targets: PLANNED,
    },
    Scenario {
        name: "partition",
        summary: "the Active node is cut off, and comes back",
        drained: false,
        fault: Fault::Partition,
        preempt: true,
        targets: SETTLED,
    },
    Scenario {
        name: "address-removed",
        summary: "somebody removes the virtual address from the Active node",
        drained: false,
        fault: Fault::AddressRemoved,
        preempt: true,
        targets: PUT_RIGHT,
    },
    Scenario {
        name: "claim-refused",
        summary: "the preferred node resumes, but somebody has configured the address on it",
        drained: true,
        fault: Fault::ClaimRefused,
        preempt: true,
        targets: PLANNED,
    },
    Scenario {
        name: "drain-refused",
        summary: "the operator drains the Active node, but its peer cannot serve",
        drained: false,
        fault: Fault::DrainRefused,
        preempt: true,
        targets: PUT_RIGHT,
    },
    strain("starve", "busy loops compete with both nodes for the processors", Strain::Starve),
    strain(
        "clock-step",
        "the wall clock of the Active node is stepped an hour ahead, then an hour back; both nodes have keys",
        Strain::ClockSteps,
    ),
    strain(
        "hijack",
        "a third host floods nodes that have keys with forged and recorded advertisements",
        Strain::Hijack { signed: true },
    ),
    strain(
        "hijack-open",
        "the same with nodes that have no keys, from the third host's own address",
        Strain::Hijack { signed: false },
    ),
    lifeless(
        "kill-all",
        "guardian and agent of the Active node are killed at once: the lease ends",
        Lifeless::BothKilled,
    ),
    lifeless("freeze", "the agent of the Active node is stopped (SIGSTOP); its guardian runs", Lifeless::Stopped),
    lifeless("freeze-cgroup", "the agent of the Active node is frozen by its control group", Lifeless::Frozen),
    lifeless("freeze-all", "guardian and agent of the Active node are stopped: the lease ends", Lifeless::BothStopped),
    lifeless("thaw", "guardian and agent of the Active node are stopped, and go on later", Lifeless::BothPaused),
    lifeless("wedge-election", "the election thread of the Active node hangs", Lifeless::ElectionHangs),
    lifeless("wedge-addresses", "the address thread of the Active node hangs", Lifeless::AddressesHang),
];

/// Makes a scenario in which both nodes bear something and the role stays.
const fn strain(name: &'static str, summary: &'static str, strain: Strain) -> Scenario {
    Scenario { name, summary, drained: false, fault: Fault::Strain(strain), preempt: true, targets: STRAINED }
}

/// Makes a scenario in which processes of the Active node do not run.
const fn lifeless(name: &'static str, summary: &'static str, lifeless: Lifeless) -> Scenario {
    // What comes back to life is the preferred node, and is to take its role back; an agent that the guardian has started
    // again would do so within the run.
    let preempt = lifeless.heals();
    Scenario { name, summary, drained: false, fault: Fault::Lifeless(lifeless), preempt, targets: lifeless.targets() }
}
