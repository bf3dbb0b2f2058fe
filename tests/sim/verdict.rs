//! Plays a scenario to its end, and says what must have come of it.

use vipd::election::{Drain, StateName};

use crate::fault::Fault;
use crate::outside::Takeover;
use crate::scenario::{Family, Scenario};
use crate::world::{Outcome, World};

/// Rows of failures double their waits; after this time a world must be at rest.
const PATIENCE: u64 = 200 * crate::clock::SECOND;

/// Plays a scenario.
///
/// # Errors
/// Names the promise that was broken.
pub(crate) fn play(scenario: &Scenario, world: &mut World) -> Outcome {
    match scenario.family {
        Family::Quiet => quiet(scenario, world),
        Family::OneFault => one_fault(scenario, world),
        Family::Flapping => flapping(scenario, world),
        Family::Stranger => undisturbed(scenario, world),
        Family::Abandoned => abandoned(scenario, world),
        Family::Reload => reload(scenario, world),
        Family::Partition | Family::Failing | Family::Storm => {
            world.run(scenario.over())?;
            at_rest(scenario, world).map(drop)
        }
    }
}

/// The best node has the role, and nothing at all happens but its advertisements.
fn quiet(scenario: &Scenario, world: &mut World) -> Outcome {
    settle(scenario, world)?;
    let (sent, transitions) = (world.out.sent, world.out.transitions);
    world.run(world.now() + 10 * scenario.interval())?;
    ensure(world.out.transitions == transitions, || "a transition without a reason".to_owned())?;
    let sent = world.out.sent - sent;
    ensure((9..=11).contains(&sent), || format!("{sent} advertisements in ten intervals"))
}

/// Runs until the best node has the role.
fn settle(scenario: &Scenario, world: &mut World) -> Outcome {
    world.run(scenario.settled)?;
    ensure(world.owner() == Some(0), || format!("the best node does not have the addresses, but {:?}", world.owner()))?;
    ensure(world.out.takeovers.len() == 1, || format!("the role was taken {:?} at the start", world.out.takeovers))
}

/// Exactly one take-over, by the next best, in time; and one back where the best node preempts.
fn one_fault(scenario: &Scenario, world: &mut World) -> Outcome {
    settle(scenario, world)?;
    let trouble = scenario.troubles[0];
    let bounds = world.bounds;
    let (together, nobody) = (world.invariants.together, world.invariants.nobody);
    world.run(trouble.at + trouble.lasts)?;
    let takeovers: Vec<Takeover> = world.out.takeovers[1..].to_vec();
    let first = takeovers.first().copied();
    ensure(first.is_some_and(|first| first.by == 1), || {
        format!("after one fault {takeovers:?} took over, not the next best")
    })?;
    let late = first.map_or(0, |first| first.at - trouble.at);
    let next = &world.nodes[1].settings;
    let (version, priority) = (next.version, next.priority);
    let skew = crate::setup::nanos(next.interval.skew_time(version, priority));
    let down = crate::setup::nanos(next.interval.active_down_interval(version, priority));
    let leaving = bounds.gate + 2 * bounds.kernel + bounds.way + 5 * crate::clock::MS;
    let graceful = leaving + if next.fast_handover { 0 } else { skew };
    let watched = bounds.interval * 5 / 2 + graceful;
    // A thousandth for clocks that do not agree.
    let silent = down + down / 1000 + bounds.way + 2 * crate::clock::MS;
    let slowest = match trouble.fault {
        Fault::Left { .. } | Fault::Drained { .. } | Fault::CheckFails { .. } | Fault::AgentKilled { .. } => graceful,
        Fault::AddressRemoved { .. } => graceful + 12 * bounds.kernel,
        Fault::Frozen { .. } | Fault::ElectionWedged { .. } => watched.min(silent.max(watched)),
        _ => silent,
    };
    ensure(late <= slowest, || format!("taken over after {late} ns, later than {slowest}"))?;
    // Ownership before speed: what our own guardian can still clean up is never on two hosts.
    let guarded = !matches!(
        trouble.fault,
        Fault::AllKilled { .. } | Fault::AllFrozen { .. } | Fault::SendsFail { .. } | Fault::LinkDown { .. }
    );
    let together = world.invariants.together - together;
    let owner = scenario.setup.nodes[0].settings.priority.is_owner();
    let preempted = takeovers.len() > 1;
    ensure(!guarded || owner || preempted || together == 0, || {
        format!("two nodes had the addresses for {together} ns")
    })?;
    let nobody = world.invariants.nobody - nobody;
    let gap = late + bounds.gate + 2 * bounds.kernel + 2 * bounds.way + crate::clock::MS;
    ensure(preempted || nobody <= gap, || format!("nobody had the addresses for {nobody} ns, longer than {gap}"))?;
    let holder = at_rest(scenario, world)?;
    let sequence: Vec<usize> = world.out.takeovers[1..].iter().map(|takeover| takeover.by).collect();
    let returns = scenario.setup.nodes[0].settings.preempt || owner;
    let expected: &[usize] = if returns { &[1, 0] } else { &[1] };
    ensure(sequence == expected, || format!("the role went to {sequence:?} in turn, not to {expected:?}"))?;
    ensure(Some(&holder) == expected.last(), || format!("node {holder} has the addresses in the end"))
}

/// Rule 5: whatever flaps, somebody takes over in time.
fn flapping(scenario: &Scenario, world: &mut World) -> Outcome {
    settle(scenario, world)?;
    let crash = scenario.troubles[0];
    world.run(crash.at + crash.lasts)?;
    let first = world.out.takeovers.get(1).copied();
    let late = first.map(|first| first.at.saturating_sub(crash.at));
    let slowest = world.bounds.active_down + world.bounds.way + 2 * crate::clock::MS;
    ensure(late.is_some_and(|late| late <= slowest + slowest / 1000), || {
        format!("taken over {late:?} ns after the crash, later than {slowest}")
    })?;
    at_rest(scenario, world).map(drop)
}

/// Nothing comes of it but answers.
fn undisturbed(scenario: &Scenario, world: &mut World) -> Outcome {
    settle(scenario, world)?;
    let transitions = world.out.transitions;
    world.run(scenario.over() + 5 * scenario.interval())?;
    ensure(world.out.transitions == transitions, || "somebody listened to a stranger".to_owned())
}

/// Rule 9: a drained node that nobody follows takes its role back, unless it was forced.
fn abandoned(scenario: &Scenario, world: &mut World) -> Outcome {
    settle(scenario, world)?;
    let Some(drain) = scenario.troubles.last().copied() else { return Ok(()) };
    let Fault::Drained { mode, .. } = drain.fault else { return Ok(()) };
    if scenario.setup.nodes[0].settings.priority.is_owner() {
        world.run(drain.at + drain.lasts)?;
        return ensure(world.owner() == Some(0), || "rule 16: the owner cannot be drained".to_owned());
    }
    // The operator's Resume has not come yet.
    world.run(drain.at + drain.lasts - 1)?;
    let (holds, drained) = (world.nodes[0].holds(), world.nodes[0].drained);
    match mode {
        Drain::Watched => {
            ensure(holds && !drained, || "rule 9: nobody took the role, and it was not taken back".to_owned())?;
        }
        Drain::Forced => ensure(!holds && drained, || "rule 9: a forced drain is not taken back".to_owned())?,
    }
    at_rest(scenario, world).map(drop)
}

/// New settings do not cost the role; only a changed preemption moves it.
fn reload(scenario: &Scenario, world: &mut World) -> Outcome {
    settle(scenario, world)?;
    world.run(scenario.over())?;
    let holder = at_rest(scenario, world)?;
    ensure(holder == 0 && world.out.takeovers.len() == 1, || {
        format!("a reload moved the role: {:?}", world.out.takeovers)
    })
}

/// Runs until one node alone has the addresses and nothing changes, and judges the result.
fn at_rest(scenario: &Scenario, world: &mut World) -> Result<usize, String> {
    let rest = world.bounds.rest();
    let end = world.now() + PATIENCE;
    loop {
        let (transitions, owner) = (world.out.transitions, world.owner());
        world.run(world.now() + rest)?;
        let still = transitions == world.out.transitions && owner == world.owner() && world.is_complete();
        if let (true, Some(owner)) = (still, owner) {
            judge(scenario, world, owner)?;
            return Ok(owner);
        }
        ensure(world.now() < end, || format!("no rest: {:?} have the addresses", world.holders().collect::<Vec<_>>()))?;
    }
}

/// What is true of every world at rest.
fn judge(scenario: &Scenario, world: &mut World, owner: usize) -> Outcome {
    let priority = |node: usize| world.nodes[node].settings.priority;
    for node in &world.nodes {
        let Some(agent) = &node.agent else { continue };
        let state = agent.router.view().state;
        let expected = if node.index == owner { StateName::Active } else { StateName::Backup };
        ensure(state == expected, || format!("node {} rests in {state:?}, not in {expected:?}", node.index))?;
        let better = node.settings.preempt && node.settings.priority > priority(owner);
        ensure(!better, || format!("node {} is better than {owner}, preempts, and is not Active", node.index))?;
    }
    // Who is not heard by the one that stays Active, cannot make it announce again: its refresh will.
    let one_way = scenario.troubles.iter().any(|trouble| matches!(trouble.fault, Fault::Cut { .. }));
    let cuts_only = matches!(scenario.family, Family::Partition | Family::Quiet | Family::OneFault) && !one_way;
    let announcer = world.out.network.announcer;
    ensure(!cuts_only || announcer == Some(owner), || {
        format!("{announcer:?} announced last, and node {owner} has the addresses")
    })?;
    let sent = world.out.sent;
    let interval = crate::setup::nanos(world.nodes[owner].settings.interval.duration());
    world.run(world.now() + 4 * interval)?;
    let sent = world.out.sent - sent;
    ensure((3..=5).contains(&sent), || format!("{sent} advertisements in four intervals of rest"))
}

impl World {
    /// Whether every node takes part again.
    fn is_complete(&self) -> bool {
        let takes_part = |state| matches!(state, StateName::Backup | StateName::Active);
        self.nodes.iter().all(|node| node.agent.as_ref().is_some_and(|agent| takes_part(agent.router.view().state)))
    }
}

fn ensure(holds: bool, promise: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(promise()) }
}
