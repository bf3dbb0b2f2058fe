//! How others start and reach the address thread.

use core::sync::atomic::{AtomicU64, Ordering};
use std::io;
use std::sync::Arc;
use std::thread;

use crossbeam_queue::ArrayQueue;

use crate::net::{Wake, boot_nanos};

use super::message::{Answer, Order, Report};
use super::plan::{Plan, Settings};
use super::thread::Worker;

/// Says that an order found no room: the address thread is not running, or hangs.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the address thread takes no orders")]
pub struct Full(
    /// The order, to be given again.
    pub Order,
);

/// Is what both sides see.
#[derive(Debug)]
pub(super) struct Shared {
    /// Each order with the time that it was given, in nanoseconds since boot.
    pub(super) orders: ArrayQueue<(u64, Order)>,
    pub(super) wake: Wake,
    /// When each router's lease was last renewed; 0: nothing leased is held.
    pub(super) renewed: Box<[AtomicU64]>,
    /// When this node last advertised for each router, or began to claim; 0: never.
    pub(super) vouched: Box<[AtomicU64]>,
}

/// Reaches the address thread; cheap to clone.
#[derive(Clone, Debug)]
pub struct DataplaneHandle {
    shared: Arc<Shared>,
}

impl DataplaneHandle {
    /// Queues an order. Never blocks, never allocates.
    ///
    /// # Errors
    /// [`Full`] where there is no room.
    pub fn order(&self, order: Order) -> Result<(), Full> {
        self.shared.orders.push((boot_nanos(), order)).map_err(|(_, order)| Full(order))?;
        self.shared.wake.notify();
        Ok(())
    }

    /// Returns when a router's lease was last renewed, in nanoseconds since boot; `None` where nothing leased is held.
    pub fn renewed(&self, router: usize) -> Option<u64> {
        // One stamp alone is read: it needs no order with anything else.
        self.shared.renewed.get(router).map(|stamp| stamp.load(Ordering::Relaxed)).filter(|&stamp| stamp > 0)
    }

    /// Vouches that a router still has its role at this moment, in nanoseconds since boot: its advertisement has just left, or
    /// its claim is about to be ordered. Never blocks.
    ///
    /// Whoever does not vouch for [`Plan::silence`] lets the leases run out.
    pub fn vouch(&self, router: usize, now: u64) {
        if let Some(vouched) = self.shared.vouched.get(router) {
            vouched.store(now, Ordering::Release);
        }
    }

    /// Lets the thread remove what is still claimed and end; it drops its callbacks then.
    pub fn shutdown(&self) {
        // A thread that takes no orders cannot end in order either: the lease bounds what it holds.
        let _ = self.order(Order::Shutdown);
    }
}

/// Starts the address thread in the network namespace of the calling thread.
///
/// What an earlier run left behind is removed first; then every router's interface is told. `answer` and `report` are
/// called on the thread and must not block for long: while they do, no lease is renewed.
///
/// # Errors
/// What the kernel says of the sockets: `PermissionDenied` without CAP_NET_RAW.
pub fn start(
    plans: Vec<Plan>,
    settings: Settings,
    answer: impl Fn(Answer) + Send + 'static,
    report: impl Fn(Report) + Send + 'static,
) -> io::Result<DataplaneHandle> {
    let places = settings.places.max(plans.len());
    let stamps = |count| core::iter::repeat_with(|| AtomicU64::new(0)).take(count).collect();
    let shared = Arc::new(Shared {
        // For each router a claim, an announcement, a withdrawal and a plan may wait while the kernel is slow.
        orders: ArrayQueue::new(64 + 4 * places),
        wake: Wake::new()?,
        renewed: stamps(places),
        vouched: stamps(places),
    });
    let realtime = settings.realtime;
    let worker = Worker::new(plans, settings, Arc::clone(&shared), Box::new(answer), Box::new(report))?;
    thread::Builder::new().name("addresses".to_owned()).spawn(move || worker.run(realtime))?;
    Ok(DataplaneHandle { shared })
}
