//! What can go on for ever: the strongly connected components of the graph of worlds.

/// Worlds by number, and from each the steps to others.
#[derive(Default)]
pub(crate) struct Graph {
    targets: Vec<u32>,
    waits: Vec<bool>,
    ends: Vec<usize>,
}

impl Graph {
    /// Adds a step from the world that is open.
    pub(crate) fn add(&mut self, target: u32, waits: bool) {
        self.targets.push(target);
        self.waits.push(waits);
    }

    /// Ends the steps of a world; the next one is open.
    pub(crate) fn close(&mut self) {
        self.ends.push(self.targets.len());
    }

    pub(crate) fn edges(&self) -> usize {
        self.targets.len()
    }

    fn range(&self, world: u32) -> core::ops::Range<usize> {
        let world = world as usize;
        let begin = if world == 0 { 0 } else { self.ends[world - 1] };
        begin..self.ends[world]
    }

    /// Lists the worlds from which some steps lead back to them.
    pub(crate) fn cyclic<'a>(&'a self, component: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
        self.within(component, false)
    }

    /// Lists those to which steps lead back that take no time; `component` was made of these steps alone.
    pub(crate) fn cyclic_without_waiting<'a>(&'a self, component: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
        self.within(component, true)
    }

    /// A step that stays in its component is part of a way back.
    fn within<'a>(&'a self, component: &'a [u32], timeless: bool) -> impl Iterator<Item = u32> + 'a {
        let stays = move |world: u32, edge: usize| {
            component[self.targets[edge] as usize] == component[world as usize] && !(timeless && self.waits[edge])
        };
        (0..).take(self.ends.len()).filter(move |world| self.range(*world).any(|edge| stays(*world, edge)))
    }
}

const UNSEEN: u32 = u32::MAX;

/// Numbers the component of each world (Tarjan 1972, without recursion); `timeless`: along steps that take no time.
pub(crate) fn components(graph: &Graph, timeless: bool) -> Vec<u32> {
    let count = graph.ends.len();
    let mut component = vec![UNSEEN; count];
    let (mut order, mut low) = (vec![UNSEEN; count], vec![0; count]);
    let (mut visited, mut found) = (0, 0);
    let mut open: Vec<u32> = Vec::new();
    let mut path: Vec<(u32, usize)> = Vec::new();
    for root in (0..).take(count) {
        if order[root as usize] == UNSEEN {
            path.push((root, graph.range(root).start));
        }
        while let Some((world, edge)) = path.last_mut() {
            let at = *world as usize;
            if order[at] == UNSEEN {
                (order[at], low[at]) = (visited, visited);
                visited += 1;
                open.push(*world);
            }
            if *edge < graph.range(*world).end {
                let (next, skip) = (graph.targets[*edge], timeless && graph.waits[*edge]);
                *edge += 1;
                if !skip && order[next as usize] == UNSEEN {
                    path.push((next, graph.range(next).start));
                } else if !skip && component[next as usize] == UNSEEN {
                    low[at] = low[at].min(order[next as usize]);
                }
                continue;
            }
            path.pop();
            if let Some((before, _)) = path.last() {
                let before = *before as usize;
                low[before] = low[before].min(low[at]);
            }
            if low[at] == order[at] {
                while let Some(member) = open.pop() {
                    component[member as usize] = found;
                    if member as usize == at {
                        break;
                    }
                }
                found += 1;
            }
        }
    }
    component
}
