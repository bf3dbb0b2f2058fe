//! The LAN: who hears whom, how late, how often.

use core::ops::Range;

use crate::queue::{Item, Queue};
use crate::random::Random;
use crate::setup::MOST;
use vipd::election::Heard;

/// The links between nodes, and what befalls messages.
#[derive(Debug)]
pub(crate) struct Network {
    nodes: usize,
    way: Range<u64>,
    /// How many troubles cut the way from one to another.
    cuts: [[u8; MOST]; MOST],
    /// When the last message from one to another arrives.
    last: [[u64; MOST]; MOST],
    /// Whether a host is up and its link, too.
    pub(crate) up: [bool; MOST],
    pub(crate) loss: u64,
    pub(crate) jitter: u64,
    pub(crate) duplication: u64,
    /// Who announced the addresses last: clients send to this node.
    pub(crate) announcer: Option<usize>,
}

impl Network {
    pub(crate) fn new(nodes: usize, way: Range<u64>) -> Self {
        Self {
            nodes,
            way,
            cuts: [[0; MOST]; MOST],
            last: [[0; MOST]; MOST],
            up: [true; MOST],
            loss: 0,
            jitter: 0,
            duplication: 0,
            announcer: None,
        }
    }

    pub(crate) fn cut(&mut self, from: usize, to: usize, cuts: bool) {
        let count = &mut self.cuts[from][to];
        *count = if cuts { *count + 1 } else { count.saturating_sub(1) };
    }

    /// Whether a host hears a question of another and is heard when it answers.
    pub(crate) fn answers(&self, asked: usize, to: usize) -> bool {
        asked < self.nodes && self.up[asked] && self.up[to] && self.cuts[asked][to] + self.cuts[to][asked] == 0
    }

    /// Cuts a node off from all others, or mends that.
    pub(crate) fn isolate(&mut self, node: usize, cuts: bool) {
        for other in (0..self.nodes).filter(|other| *other != node) {
            self.cut(node, other, cuts);
            self.cut(other, node, cuts);
        }
    }

    /// Sends to all others; `from` is beyond the nodes for a stranger.
    pub(crate) fn send(&mut self, now: u64, from: usize, heard: Heard, queue: &mut Queue, random: &mut Random) {
        let message = queue.message(heard);
        for to in (0..self.nodes).filter(|to| *to != from) {
            if self.cuts.get(from).is_some_and(|ways| ways[to] > 0) || random.percent(self.loss) {
                continue;
            }
            let copies = if random.percent(self.duplication) { 2 } else { 1 };
            for _ in 0..copies {
                let late = if self.jitter > 0 { random.within(0..self.jitter) } else { 0 };
                // Without jitter a LAN keeps the order of what one says to another.
                let arrival = now + random.within(self.way.clone()) + late;
                let last = self.last.get_mut(from).map(|of| &mut of[to]);
                let arrival = match last {
                    Some(last) if self.jitter == 0 => arrival.max(*last),
                    _ => arrival,
                };
                if let Some(of) = self.last.get_mut(from) {
                    of[to] = arrival;
                }
                queue.push(arrival, Item::Delivery { to, message });
            }
        }
    }
}
