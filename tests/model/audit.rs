//! What must hold: after every action, after every step, and in everything that can go on for ever.

use core::fmt;
use core::time::Duration;

use vipd::election::{Action, Cause, StateName};

use crate::node::{Answer, Life, Node, Order};
use crate::setup::Setup;
use crate::step::Step;
use crate::world::{ABSENCE, INTERVAL, Message, NOW, World, source};

/// How long after its last word a router may still be thought to have the role: any Active_Down_Interval, and a way.
const MEMORY: Duration = Duration::from_millis(4_500);

/// The properties, as `docs/testing.md` names them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Property {
    /// (a) Addresses are held only where they were claimed, and leave with the role.
    Addresses,
    /// (b) No Priority 0 before the withdrawal is confirmed, no word after an absence.
    Farewell,
    /// (c) One owner, or a fault that explains two and is over.
    OneOwner,
    /// (d) Somebody has the role in the end, and time goes on.
    SomeOwner,
    /// (e) The best has it in the end; a role that nothing speaks against does not move.
    Role,
    /// (f) A drained role comes back if nobody takes it.
    Drain,
}

/// A property that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Violation {
    pub(crate) property: Property,
    pub(crate) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.property, self.what)
    }
}

fn broken<T>(property: Property, what: impl Into<String>) -> Result<T, Violation> {
    Err(Violation { property, what: what.into() })
}

/// What the properties remember.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Audit {
    /// How long two nodes have had the addresses without a fault under way.
    together: Duration,
    /// Who has the role beyond doubt.
    settled: Option<usize>,
    /// Whether somebody may have missed a word since the beginning.
    unheard: bool,
}

impl Audit {
    pub(crate) fn age(&mut self, span: Duration) {
        self.together += span;
    }

    /// Notes another owner: those that were there before get their time anew.
    pub(crate) fn begin_again(&mut self) {
        self.together = Duration::ZERO;
    }

    /// Forgets who has the role beyond doubt.
    pub(crate) fn doubt(&mut self) {
        self.settled = None;
    }

    /// Forgets what a step makes doubtful.
    pub(crate) fn expect(&mut self, setup: &Setup, step: Step) {
        let keeps = |node: usize| self.settled.filter(|settled| *settled != node);
        self.settled = match step {
            Step::Lose(_)
            | Step::Cut { .. }
            | Step::Mend
            | Step::Crash { .. }
            | Step::Hang { .. }
            | Step::Remove { .. } => None,
            // A better one that comes back preempts.
            Step::Thaw { node } | Step::Restart { node } | Step::Tell { node, .. } if self.outranks(setup, node) => {
                None
            }
            Step::Freeze { node, .. } | Step::Refuse { node } | Step::Tell { node, .. } => keeps(node),
            Step::Deliver(_)
            | Step::Read { .. }
            | Step::Timeout { .. }
            | Step::Answer { .. }
            | Step::Carry { .. }
            | Step::Lapse { .. }
            | Step::Thaw { .. }
            | Step::Bury { .. }
            | Step::Restart { .. }
            | Step::Wait => self.settled,
        };
        self.unheard |= match step {
            Step::Lose(_) | Step::Freeze { .. } | Step::Crash { .. } | Step::Cut { .. } => true,
            Step::Deliver(_)
            | Step::Read { .. }
            | Step::Timeout { .. }
            | Step::Answer { .. }
            | Step::Carry { .. }
            | Step::Refuse { .. }
            | Step::Hang { .. }
            | Step::Remove { .. }
            | Step::Lapse { .. }
            | Step::Thaw { .. }
            | Step::Bury { .. }
            | Step::Restart { .. }
            | Step::Mend
            | Step::Tell { .. }
            | Step::Wait => false,
        };
        if matches!(step, Step::Lose(_)) {
            self.begin_again();
        }
    }

    fn outranks(&self, setup: &Setup, node: usize) -> bool {
        setup.preempt && self.settled.is_some_and(|settled| setup.priorities[node] > setup.priorities[settled])
    }
}

/// Looks at what a router asks for, before it is done.
pub(crate) fn examine_action(world: &World, setup: &Setup, index: usize, action: Action) -> Result<(), Violation> {
    let node = &world.nodes[index];
    let busy = node.held || node.ordered.is_some();
    match action {
        Action::SendAdvertisement { priority } if priority.is_release() => {
            if busy {
                return broken(
                    Property::Farewell,
                    format!("node {index} says Priority 0 before its addresses are gone"),
                );
            }
        }
        Action::SendAdvertisement { .. } => {
            if node.held && node.vouched >= ABSENCE {
                return broken(
                    Property::Farewell,
                    format!("node {index} speaks after an absence and has the addresses"),
                );
            }
        }
        Action::Claim { .. } => {
            if busy {
                return broken(Property::Addresses, format!("node {index} claims what it has not let go of"));
            }
            let advertises = |node: usize| matches!(world.state(node), StateName::Claiming | StateName::Active);
            let is_better = |node: usize| setup.priorities[node] > setup.priorities[index];
            let all_heard = |node| !world.messages.iter().any(|message| (message.from, message.to) == (node, index));
            let mut others = 0..world.nodes.len();
            let better = others.find(|node| is_better(*node) && advertises(*node) && all_heard(*node));
            if let Some(better) = better.filter(|_| setup.is_ranked() && !world.audit.unheard) {
                return broken(
                    Property::OneOwner,
                    format!("node {index} claims beside node {better}, which it has heard"),
                );
            }
            if let Some(settled) = world.audit.settled.filter(|settled| *settled != index) {
                return broken(
                    Property::Role,
                    format!("node {index} takes the role of node {settled} without a reason"),
                );
            }
        }
        Action::Report(transition) if transition.cause == Cause::DrainSettled => {
            let has_it = |node: &Node| match node.life {
                // One that gives it up at this moment takes it again.
                Life::Runs => node.has_role() || node.is_eligible(),
                Life::Frozen { age, .. } => node.has_role() && age <= MEMORY,
                Life::Down { .. } => false,
            };
            let others = world.nodes.iter().enumerate().filter(|(other, _)| *other != index);
            // What is on its way is not known yet.
            let is_given_up = |message: &Message| message.to == index && message.priority.is_release();
            if !others.map(|(_, node)| node).any(has_it) && !world.messages.iter().any(is_given_up) {
                return broken(Property::Drain, format!("node {index} believes that a peer has the role"));
            }
        }
        Action::Report(transition) if transition.cause == Cause::DrainRefused => {
            if node.router.view().drained {
                return broken(Property::Drain, format!("node {index} does not take back what nobody took"));
            }
        }
        Action::OpenGate { .. }
        | Action::CloseGate { .. }
        | Action::Probe { .. }
        | Action::Withdraw { .. }
        | Action::Announce
        | Action::Report(_) => {}
    }
    Ok(())
}

/// Looks at the world after a step.
pub(crate) fn examine(world: &mut World, setup: &Setup) -> Result<(), Violation> {
    for (index, node) in world.nodes.iter().enumerate().filter(|(_, node)| node.runs()) {
        examine_node(index, node)?;
    }
    examine_owners(world, setup)?;
    let audit = &mut world.audit;
    if let Some(settled) = audit.settled {
        let node = &world.nodes[settled];
        if node.runs() && !(node.held && node.router.view().state == StateName::Active) {
            return broken(Property::Role, format!("node {settled} loses the role without a reason"));
        }
    } else {
        world.audit.settled = (0..world.nodes.len()).find(|node| is_settled(world, setup, *node));
    }
    Ok(())
}

fn examine_node(index: usize, node: &Node) -> Result<(), Violation> {
    let state = node.router.view().state;
    let order = node.ordered.map(|ordered| ordered.order);
    let may_hold = match state {
        StateName::Claiming | StateName::Active => order.is_none() || order == Some(Order::Claim),
        StateName::Releasing => order == Some(Order::Withdraw),
        StateName::Initialize | StateName::Backup | StateName::Aside | StateName::Opening => false,
    };
    if (node.held || order == Some(Order::Claim)) && !may_hold {
        return broken(Property::Addresses, format!("node {index} has, or gets, the addresses in {state}"));
    }
    let knows = node.answers.iter().any(|(answer, _)| *answer == Answer::Lost);
    if state == StateName::Active && !node.held && !knows {
        return broken(Property::Addresses, format!("node {index} is Active without the addresses"));
    }
    Ok(())
}

fn examine_owners(world: &mut World, setup: &Setup) -> Result<(), Violation> {
    let holders: Vec<usize> = world.holders().collect();
    if holders.len() < 2 || is_disturbed(world) {
        world.audit.together = Duration::ZERO;
        return Ok(());
    }
    if world.faults_left == setup.faults && setup.is_ranked() {
        return broken(Property::OneOwner, format!("nodes {holders:?} have the addresses, and nothing has gone wrong"));
    }
    // The next advertisement, its way, and the withdrawal that it causes.
    let together = world.audit.together;
    if together > INTERVAL + setup.way + setup.kernel {
        return broken(Property::OneOwner, format!("nodes {holders:?} have had the addresses for {together:?}"));
    }
    Ok(())
}

/// Tells whether a fault is under way that keeps a holder from hearing or from letting go.
fn is_disturbed(world: &World) -> bool {
    let away = |node: &Node| node.held && (!node.runs() || node.ordered.is_some_and(|ordered| ordered.hangs));
    world.cut.is_some() || world.nodes.iter().any(away)
}

/// Tells whether a node has the role beyond doubt: it is Active, everybody else who lives follows it, nothing else is
/// on its way, and nobody would preempt it.
fn is_settled(world: &World, setup: &Setup, index: usize) -> bool {
    let holder = &world.nodes[index];
    let is_active = holder.runs() && holder.held && holder.ordered.is_none() && holder.answers.is_empty();
    let disturbs = |message: &Message| message.from != index || message.priority.is_release();
    let is_heard = holder.vouched <= INTERVAL && world.cut.is_none() && !world.messages.iter().any(disturbs);
    if !is_active || !is_heard {
        return false;
    }
    let mut others = world.nodes.iter().enumerate().filter(|(other, _)| *other != index);
    others.all(|(other, node)| {
        let (view, priorities) = (node.router.view(), setup.priorities);
        let heard = view.active.filter(|active| active.source == source(index));
        let follows = heard.is_some_and(|active| NOW.since(active.heard) <= INTERVAL + setup.way);
        let gone = matches!(node.life, Life::Down { returns: false });
        let quiet = node.inbox.iter().all(|(from, priority)| *from == index && !priority.is_release()) && !node.held;
        let harmless = !setup.preempt || priorities[other] <= priorities[index];
        gone || (node.runs() && follows && quiet && harmless)
    })
}

/// Looks at a world to which this world can come back for ever, without another fault.
pub(crate) fn examine_rest(world: &World, setup: &Setup) -> Result<(), Violation> {
    if let Some(index) = world.nodes.iter().position(|node| node.runs() && node.router.view().draining) {
        return broken(Property::Drain, format!("node {index} watches its drain for ever"));
    }
    let eligible: Vec<usize> = (0..world.nodes.len()).filter(|node| world.nodes[*node].is_eligible()).collect();
    let holders: Vec<usize> = world.holders().collect();
    let [holder] = holders[..] else {
        return match (holders.len(), world.cut) {
            (0, _) if eligible.is_empty() => Ok(()),
            (0, _) => broken(Property::SomeOwner, format!("nobody has the addresses, and nodes {eligible:?} could")),
            (_, Some(_)) => Ok(()),
            (_, None) => broken(Property::OneOwner, format!("nodes {holders:?} keep the addresses")),
        };
    };
    if world.nodes[holder].runs() && !eligible.contains(&holder) {
        return broken(Property::Role, format!("node {holder} keeps a role that it may not have"));
    }
    let best = eligible.iter().map(|node| setup.priorities[*node]).max();
    if world.cut.is_none() && setup.preempt && best.is_some_and(|best| setup.priorities[holder] < best) {
        return broken(Property::Role, format!("node {holder} keeps the role, and it is not the best"));
    }
    Ok(())
}
