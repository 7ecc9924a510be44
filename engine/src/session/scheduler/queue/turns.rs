//! Whose turn it is: deficit round robin over requests, in three classes.
//!
//! Every item of a request has a cost: a text its tokens, or its bytes while it is tokenized. A batch has items of one
//! kind of work, whose costs add up to at most the kind's budget; an item that costs more is a batch by itself.
//!
//! **Turns** (Shreedhar and Varghese, "Efficient fair queuing using deficit round robin", 1995). The requests of a class
//! form a ring. At its turn a request gets a quantum of one budget, and its items are taken as long as the quanta that it
//! has not used up pay for them; what is left is kept for its next turn. After k turns a request with work left has been
//! served more than `k * budget - m` and at most `k * budget`, where m is its largest item. Between any two moments at
//! which two such requests of a class and kind both have work left, what they are served differs by less than
//! `budget + 2 m`.
//!
//! **Small requests** fit a batch as a whole and are always served whole, so they share batches. After a batch that
//! starts with a large request, the small ones of its class come first for one batch: a new one need not wait until all
//! large ones have had their turns. On a CPU, a batch that starts with a small request is not filled with parts of large
//! ones, as time grows with tokens (MiniLM in f32 on one core: 12 tokens 4.4 ms, 256 tokens 59 ms). A batch that starts
//! with a large request has room for anything. On a GPU, where a full batch hardly takes longer, every batch is filled.
//!
//! **Classes.** A batch starts with the most urgent class that has work. A lower class that has work gets one of eight
//! batches in a row: the bulk class after seven of others, the normal class after six, as both may be due at once.

use std::collections::VecDeque;

use super::super::Class;
use super::RequestId;

/// Batches of other classes after which a class with work comes first.
const PATIENCE: [u64; 3] = [u64::MAX, 6, 7];

/// The batches of one kind of work.
pub(in super::super) trait BatchRules: Clone {
    /// The same for all items that can share a batch.
    fn id(&self) -> u64;

    /// The largest cost of a batch.
    fn budget(&self) -> u64;

    /// Whether every batch is filled with parts of requests, for devices on which that costs no time.
    fn takes_parts(&self) -> bool;
}

/// The state of requests and items outside the ring.
pub(super) trait Standing<I> {
    /// Whether the request still wants anything. If not, it loses its place.
    fn is_alive(&mut self, request: RequestId) -> bool;

    /// Whether the item has not been taken by another request that wants it, too.
    fn is_waiting(&self, item: I) -> bool;

    /// Takes the item, unless it has been taken.
    fn take(&mut self, item: I) -> bool;
}

/// Requests with work, in the order of their turns.
#[derive(Debug)]
pub(super) struct Turns<K, I> {
    /// For each class, a ring per kind of work and size.
    classes: [Vec<Ring<K, I>>; 3],
    /// For each class, whether its small requests come first.
    small_first: [bool; 3],
    /// For each class with work, the batches since one started with it.
    waited: [u64; 3],
    next_stamp: u64,
}

/// Requests of one class, kind and size, by ascending stamps.
#[derive(Debug)]
struct Ring<K, I> {
    kind: K,
    is_large: bool,
    line: VecDeque<Waiting<I>>,
}

/// A request with work.
#[derive(Debug)]
struct Waiting<I> {
    /// Its place among all requests of its class.
    stamp: u64,
    request: RequestId,
    /// With their costs, which ascend.
    items: Vec<(u64, I)>,
    /// The cost that it may still have. A small request needs no quantum.
    deficit: u64,
    is_in_turn: bool,
}

/// Items that are worked on together.
#[derive(Debug)]
pub(super) struct Batch<K, I> {
    pub(super) kind: K,
    pub(super) items: Vec<(RequestId, I)>,
    pub(super) cost: u64,
}

/// How a request's turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// It has nothing left.
    Finished,
    /// Its deficit does not pay for another item.
    UsedUp,
    /// The batch has no room for its next item, which is the next batch's.
    Interrupted,
}

impl<K, I> Default for Turns<K, I> {
    fn default() -> Self {
        Self { classes: Default::default(), small_first: [false; 3], waited: [0; 3], next_stamp: 0 }
    }
}

impl<K: BatchRules, I: Copy> Turns<K, I> {
    /// Puts a request at the end of its ring, with items and their costs.
    pub(super) fn add(&mut self, request: RequestId, class: Class, kind: &K, mut items: Vec<(u64, I)>) {
        if items.is_empty() {
            return;
        }
        items.sort_by_key(|(cost, _)| *cost);
        let is_large = items.iter().map(|(cost, _)| cost).sum::<u64>() > kind.budget();
        let deficit = if is_large { 0 } else { u64::MAX };
        let stamp = self.stamp();
        let rings = &mut self.classes[class as usize];
        let position = rings.iter().position(|ring| ring.kind.id() == kind.id() && ring.is_large == is_large);
        let position = position.unwrap_or_else(|| {
            rings.push(Ring { kind: kind.clone(), is_large, line: VecDeque::new() });
            rings.len() - 1
        });
        let waiting = Waiting { stamp, request, items, deficit, is_in_turn: false };
        rings[position].line.push_back(waiting);
    }

    /// Whether a request is in line. It may have nothing left.
    pub(super) fn is_empty(&self) -> bool {
        self.classes.iter().all(Vec::is_empty)
    }

    /// The next batch; `None` if no request has anything left.
    pub(super) fn take(&mut self, standing: &mut impl Standing<I>) -> Option<Batch<K, I>> {
        let waited = self.waited;
        let due = [2, 1].into_iter().filter(|&class| waited[class] >= PATIENCE[class]);
        let (class, batch) = due.chain(0..waited.len()).find_map(|class| {
            let batch = self.take_from(class, standing)?;
            Some((class, batch))
        })?;
        for (other, waited) in self.waited.iter_mut().enumerate() {
            let has_waited = other != class && !self.classes[other].is_empty();
            *waited = if has_waited { *waited + 1 } else { 0 };
        }
        Some(batch)
    }

    /// Removes the requests that want nothing any more.
    pub(super) fn sweep(&mut self, standing: &mut impl Standing<I>) {
        for rings in &mut self.classes {
            for ring in rings.iter_mut() {
                ring.line.retain(|waiting| standing.is_alive(waiting.request));
            }
            rings.retain(|ring| !ring.line.is_empty());
        }
    }

    fn stamp(&mut self) -> u64 {
        self.next_stamp += 1;
        self.next_stamp
    }

    /// A batch that starts with the next request of `class`.
    fn take_from(&mut self, class: usize, standing: &mut impl Standing<I>) -> Option<Batch<K, I>> {
        loop {
            let small = if self.small_first[class] {
                self.next_in(class, |ring| !ring.is_large, standing)
            } else {
                None
            };
            let first = small.or_else(|| self.next_in(class, |_| true, standing))?;
            let ring = &self.classes[class][first];
            let (kind, is_large) = (ring.kind.clone(), ring.is_large);
            let mut filling = Filling { room: kind.budget(), quantum: kind.budget(), items: Vec::new() };
            let ended = self.serve(class, first, &mut filling, standing);
            if filling.items.is_empty() {
                continue;
            }
            self.small_first[class] = is_large;
            if ended != Ended::Interrupted {
                self.fill(class, (&kind, is_large), &mut filling, standing);
            }
            let cost = filling.items.iter().map(|(cost, ..)| cost).sum();
            let items = filling.items.into_iter().map(|(_, request, item)| (request, item)).collect();
            return Some(Batch { kind, items, cost });
        }
    }

    /// Fills a batch that starts with a request of `class`, from that class and the more urgent ones, or from all.
    fn fill(
        &mut self,
        class: usize,
        (kind, is_large): (&K, bool),
        filling: &mut Filling<I>,
        standing: &mut impl Standing<I>,
    ) {
        let parts = kind.takes_parts();
        let takes_all = is_large || parts;
        let last = if takes_all { self.classes.len() - 1 } else { class };
        for class in 0..=last {
            let fits = |ring: &Ring<K, I>| ring.kind.id() == kind.id() && (takes_all || !ring.is_large);
            while let Some(next) = self.next_in(class, fits, standing) {
                let ring = &self.classes[class][next];
                if !ring.is_large && !parts && ring.line[0].cost(standing) > filling.room {
                    break;
                }
                if self.serve(class, next, filling, standing) == Ended::Interrupted {
                    return;
                }
            }
        }
    }

    /// The ring of `class`, among those that `fits` chooses, whose turn comes first. Requests that want nothing any
    /// more and would be next lose their places.
    fn next_in(
        &mut self,
        class: usize,
        fits: impl Fn(&Ring<K, I>) -> bool,
        standing: &mut impl Standing<I>,
    ) -> Option<usize> {
        let rings = &mut self.classes[class];
        for ring in rings.iter_mut().filter(|ring| fits(ring)) {
            while ring.line.front_mut().is_some_and(|waiting| !waiting.has_work(standing)) {
                ring.line.pop_front();
            }
        }
        rings.retain(|ring| !ring.line.is_empty());
        let candidates = rings.iter().enumerate().filter(|(_, ring)| fits(ring));
        candidates.min_by_key(|(_, ring)| ring.line[0].stamp).map(|(index, _)| index)
    }

    /// Serves the first request of a ring.
    fn serve(
        &mut self,
        class: usize,
        ring: usize,
        filling: &mut Filling<I>,
        standing: &mut impl Standing<I>,
    ) -> Ended {
        let stamp = self.stamp();
        let line = &mut self.classes[class][ring].line;
        let Some(waiting) = line.front_mut() else { return Ended::Finished };
        let ended = waiting.serve(filling, standing);
        if ended == Ended::UsedUp {
            waiting.stamp = stamp;
            line.rotate_left(1);
        } else if ended == Ended::Finished {
            line.pop_front();
        }
        ended
    }
}

/// A batch that is being put together.
struct Filling<I> {
    room: u64,
    quantum: u64,
    items: Vec<(u64, RequestId, I)>,
}

impl<I: Copy> Waiting<I> {
    /// Whether it still wants anything that was not taken.
    fn has_work(&mut self, standing: &mut impl Standing<I>) -> bool {
        if !standing.is_alive(self.request) {
            return false;
        }
        while self.items.last().is_some_and(|(_, item)| !standing.is_waiting(*item)) {
            self.items.pop();
        }
        !self.items.is_empty()
    }

    /// The cost of its items that were not taken.
    fn cost(&self, standing: &impl Standing<I>) -> u64 {
        self.items.iter().filter(|(_, item)| standing.is_waiting(*item)).map(|(cost, _)| cost).sum()
    }

    /// Moves items into a batch, the largest that fit first.
    fn serve(&mut self, filling: &mut Filling<I>, standing: &mut impl Standing<I>) -> Ended {
        if !self.is_in_turn {
            self.deficit = self.deficit.saturating_add(filling.quantum);
            self.is_in_turn = true;
        }
        loop {
            let Some((smallest, _)) = self.items.first() else { return Ended::Finished };
            if *smallest > self.deficit {
                self.is_in_turn = false;
                return Ended::UsedUp;
            }
            let most = if filling.items.is_empty() { self.deficit } else { self.deficit.min(filling.room) };
            let Some(index) = self.items.partition_point(|(cost, _)| *cost <= most).checked_sub(1) else {
                return Ended::Interrupted;
            };
            let (cost, item) = self.items.remove(index);
            if standing.take(item) {
                self.deficit -= cost;
                filling.room = filling.room.saturating_sub(cost);
                filling.items.push((cost, self.request, item));
            }
        }
    }
}

#[cfg(test)]
mod tests;
