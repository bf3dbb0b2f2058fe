//! Breadth first through every world, and then through everything that can go on for ever.

use core::fmt;
use core::hash::{BuildHasherDefault, Hash, Hasher};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::audit::{Property, Violation, examine_rest};
use crate::components::{Graph, components};
use crate::setup::Setup;
use crate::step::Step;
use crate::world::World;

/// More worlds than this are not what a test can go through; it fails rather than look at a part of them.
const MOST: usize = 60_000_000;

/// What was explored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Explored {
    pub(crate) worlds: usize,
    pub(crate) steps: usize,
    /// How many steps the furthest world is away.
    pub(crate) depth: usize,
    /// How many worlds lie on a way that leads back to them.
    pub(crate) lasting: usize,
    pub(crate) took: Duration,
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { worlds, steps, depth, lasting, took } = self;
        write!(f, "{worlds} worlds, {steps} steps, {depth} deep, {lasting} that last, in {took:.1?}")
    }
}

/// A broken property, and the shortest way there.
#[derive(Debug)]
pub(crate) struct Counterexample {
    pub(crate) violation: Violation,
    pub(crate) story: Vec<String>,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, after\n{}", self.violation, self.story.join("\n"))
    }
}

/// Explores every world that can come of a setup.
///
/// Worlds are told apart by 64 bits of hash: with ten million of them two are taken for one with a probability of 3 in a million.
pub(crate) fn explore(setup: &Setup) -> Result<Explored, Counterexample> {
    let begin = Instant::now();
    let mut explorer = Explorer {
        setup,
        known: HashMap::default(),
        origins: Vec::new(),
        graph: Graph::default(),
        restless: Vec::new(),
    };
    let depth = explorer.search()?;
    let lasting = explorer.examine_rests()?;
    let Explorer { origins, graph, .. } = explorer;
    Ok(Explored { worlds: origins.len(), steps: graph.edges(), depth, lasting, took: begin.elapsed() })
}

struct Explorer<'a> {
    setup: &'a Setup,
    known: HashMap<u64, u32, BuildHasherDefault<Ready>>,
    /// From which world, and with which of its steps, each world was reached first.
    origins: Vec<(u32, u16)>,
    graph: Graph,
    /// The worlds in which nothing may rest.
    restless: Vec<bool>,
}

impl Explorer<'_> {
    fn search(&mut self) -> Result<usize, Counterexample> {
        let first = World::new(self.setup);
        self.restless.push(examine_rest(&first, self.setup).is_err());
        self.known.insert(fingerprint(&first), 0);
        self.origins.push((0, 0));
        let mut queue = VecDeque::from([(first, 0)]);
        let mut depth = 0;
        let mut at = 0;
        while let Some((world, steps_here)) = queue.pop_front() {
            depth = steps_here;
            let steps = world.steps(self.setup);
            if steps.is_empty() {
                let violation = Violation { property: Property::SomeOwner, what: "time stands still".to_owned() };
                return Err(self.counterexample(at, None, violation));
            }
            for (number, step) in (0..).zip(steps) {
                let mut next = world.clone();
                if let Err(violation) = next.take(self.setup, step) {
                    return Err(self.counterexample(at, Some(step), violation));
                }
                let fresh = u32::try_from(self.origins.len()).expect("fewer than MOST");
                let known = *self.known.entry(fingerprint(&next)).or_insert(fresh);
                self.graph.add(known, step == Step::Wait);
                if known == fresh {
                    assert!(self.origins.len() < MOST, "more than {MOST} worlds: choose a smaller setup");
                    self.origins.push((at, number));
                    self.restless.push(examine_rest(&next, self.setup).is_err());
                    queue.push_back((next, steps_here + 1));
                }
            }
            self.graph.close();
            at += 1;
        }
        Ok(depth)
    }

    /// Looks at every world to which the way leads back, and that time passes on each such way.
    fn examine_rests(&self) -> Result<usize, Counterexample> {
        let component = components(&self.graph, false);
        let mut lasting = 0;
        for world in self.graph.cyclic(&component) {
            lasting += 1;
            if self.restless[world as usize]
                && let Err(violation) = examine_rest(&self.replay(world, None), self.setup)
            {
                return Err(self.counterexample(world, None, violation));
            }
        }
        let timeless = components(&self.graph, true);
        if let Some(world) = self.graph.cyclic_without_waiting(&timeless).next() {
            let violation = Violation { property: Property::SomeOwner, what: "endless steps in no time".to_owned() };
            return Err(self.counterexample(world, None, violation));
        }
        Ok(lasting)
    }

    /// Takes the first way to a world again, and another step; tells the story where somebody listens.
    fn replay(&self, world: u32, mut story: Option<&mut Vec<String>>) -> World {
        let mut numbers = Vec::new();
        let mut at = world;
        while at != 0 {
            let (before, number) = self.origins[at as usize];
            numbers.push(usize::from(number));
            at = before;
        }
        let mut world = World::new(self.setup);
        for number in numbers.into_iter().rev() {
            let step = world.steps(self.setup)[number];
            let span = if step == Step::Wait { world.next_stop() } else { Duration::ZERO };
            world.take(self.setup, step).expect("went well the first time");
            if let Some(story) = &mut story {
                story.push(line(step, span, &world));
            }
        }
        world
    }

    fn counterexample(&self, world: u32, step: Option<Step>, violation: Violation) -> Counterexample {
        let mut story = Vec::new();
        let mut world = self.replay(world, Some(&mut story));
        if let Some(step) = step {
            let _ = world.take(self.setup, step);
            story.push(line(step, Duration::ZERO, &world));
        }
        Counterexample { violation, story }
    }
}

fn line(step: Step, span: Duration, world: &World) -> String {
    let nodes = (0..world.nodes.len()).map(|index| {
        let node = &world.nodes[index];
        let mark = if node.held { "*" } else { "" };
        let awake = if node.runs() { "" } else { "!" };
        format!("{}{mark}{awake}", world.state(index))
    });
    let step = if step == Step::Wait { format!("{span:?} pass") } else { step.to_string() };
    format!("{step:<48} {}", nodes.collect::<Vec<_>>().join(" "))
}

fn fingerprint(world: &World) -> u64 {
    let mut mixer = Mixer(0);
    world.hash(&mut mixer);
    mixer.finish()
}

/// Mixes words into 64 bits; much faster than the standard hasher where nothing is optimised.
struct Mixer(u64);

impl Mixer {
    fn mix(&mut self, word: u64) {
        // The finalizer of MurmurHash3, once for each word.
        let mut mixed = (self.0.rotate_left(23) ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^= mixed >> 33;
        mixed = mixed.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        self.0 = mixed ^ (mixed >> 29);
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.mix(value.into());
    }

    fn write_u16(&mut self, value: u16) {
        self.mix(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.mix(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        self.mix(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.mix(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.mix(value as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Takes a fingerprint for what it is.
#[derive(Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn write(&mut self, _: &[u8]) {
        unreachable!("fingerprints are 64 bits");
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
