//! How the address thread's answers reach the election thread.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_queue::ArrayQueue;

use crate::dataplane::Answer;
use crate::net::Wake;

/// The pause before an answer that found no room is offered again.
const FULL: Duration = Duration::from_millis(1);

#[derive(Debug)]
struct Queue {
    answers: ArrayQueue<Answer>,
    wake: Wake,
}

/// Takes answers on the address thread's side.
#[derive(Clone, Debug)]
pub struct AnswerSender(Arc<Queue>);

/// Is the election thread's side.
#[derive(Debug)]
pub struct Answers(Arc<Queue>);

/// Makes both sides, for a node with this many routers.
///
/// # Errors
/// What the kernel says where it has no eventfd left.
pub fn answers(routers: usize) -> io::Result<(AnswerSender, Answers)> {
    // For each router a claim, a withdrawal, a loss and the state of its interface may be under way at once.
    let queue = Queue { answers: ArrayQueue::new(64 + 4 * routers), wake: Wake::new()? };
    let queue = Arc::new(queue);
    Ok((AnswerSender(Arc::clone(&queue)), Answers(queue)))
}

impl AnswerSender {
    /// Hands an answer over. It waits where there is no room, since no answer may be lost.
    pub fn send(&self, mut answer: Answer) {
        while let Err(refused) = self.0.answers.push(answer) {
            answer = refused;
            self.0.wake.notify();
            thread::sleep(FULL);
        }
        self.0.wake.notify();
    }
}

impl Answers {
    pub(super) fn next(&self) -> Option<Answer> {
        self.0.answers.pop()
    }

    pub(super) fn acknowledge(&self) {
        self.0.wake.drain();
    }
}

impl AsFd for Answers {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.wake.as_fd()
    }
}
