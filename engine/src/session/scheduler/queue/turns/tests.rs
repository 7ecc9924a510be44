use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;

use super::*;

/// A kind of work with this budget.
#[derive(Debug, Clone, Copy)]
struct Rules {
    id: u64,
    budget: u64,
    takes_parts: bool,
}

impl BatchRules for Rules {
    fn id(&self) -> u64 {
        self.id
    }

    fn budget(&self) -> u64 {
        self.budget
    }

    fn takes_parts(&self) -> bool {
        self.takes_parts
    }
}

const CPU: Rules = Rules { id: 1, budget: 16, takes_parts: false };
const GPU: Rules = Rules { takes_parts: true, ..CPU };

/// Requests that were given up, and items that were taken.
#[derive(Debug, Default)]
struct World {
    dead: HashSet<RequestId>,
    taken: HashSet<u32>,
}

impl Standing<u32> for World {
    fn is_alive(&mut self, request: RequestId) -> bool {
        !self.dead.contains(&request)
    }

    fn is_waiting(&self, item: u32) -> bool {
        !self.taken.contains(&item)
    }

    fn take(&mut self, item: u32) -> bool {
        self.taken.insert(item)
    }
}

/// A ring and its world; items are numbered.
#[derive(Default)]
struct Line {
    turns: Turns<Rules, u32>,
    world: World,
    costs: Vec<u64>,
    of_request: HashMap<RequestId, (Class, Vec<u32>)>,
}

impl Line {
    fn add(&mut self, class: Class, kind: Rules, costs: &[u64]) -> RequestId {
        let request = RequestId(self.of_request.len() as u64);
        let items: Vec<(u64, u32)> = costs.iter().copied().zip(self.costs.len() as u32..).collect();
        self.costs.extend(costs);
        self.of_request.insert(request, (class, items.iter().map(|(_, item)| *item).collect()));
        self.turns.add(request, class, &kind, items);
        request
    }

    fn take(&mut self) -> Option<Batch<Rules, u32>> {
        self.turns.take(&mut self.world)
    }

    /// The requests of the next batch with what each of them is served.
    fn served(&mut self) -> Option<Vec<(u64, u64)>> {
        let batch = self.take()?;
        let mut served = BTreeMap::<u64, u64>::new();
        for (RequestId(request), item) in batch.items {
            *served.entry(request).or_default() += self.costs[item as usize];
        }
        Some(served.into_iter().collect())
    }

    fn has_work(&self, request: RequestId) -> bool {
        let is_waiting = |item: &u32| !self.world.taken.contains(item);
        !self.world.dead.contains(&request) && self.of_request[&request].1.iter().any(is_waiting)
    }

    fn class_has_work(&self, class: Class) -> bool {
        self.of_request.iter().any(|(request, (of, _))| *of == class && self.has_work(*request))
    }
}

#[test]
fn small_requests_share_a_batch_and_large_ones_take_turns() {
    let mut line = Line::default();
    line.add(Class::Normal, CPU, &[8; 6]);
    line.add(Class::Normal, CPU, &[8; 4]);
    let small: Vec<RequestId> = (0..3).map(|_| line.add(Class::Normal, CPU, &[5])).collect();
    assert_eq!(small.len(), 3);
    assert_eq!(line.served(), Some(vec![(0, 16)]));
    // The small ones do not wait for the other large one.
    assert_eq!(line.served(), Some(vec![(2, 5), (3, 5), (4, 5)]));
    assert_eq!(line.served(), Some(vec![(1, 16)]));
    assert_eq!(line.served(), Some(vec![(0, 16)]));
    assert_eq!(line.served(), Some(vec![(1, 16)]));
    assert_eq!(line.served(), Some(vec![(0, 16)]));
    assert_eq!(line.served(), None);
    assert!(line.turns.is_empty());
}

#[test]
fn the_end_of_a_large_request_has_room_for_others_and_a_small_one_only_for_small_ones() {
    let mut line = Line::default();
    line.add(Class::Interactive, CPU, &[4, 4, 4, 4, 4]);
    line.add(Class::Normal, CPU, &[2; 20]);
    line.add(Class::Normal, CPU, &[3]);
    line.add(Class::Bulk, CPU, &[1]);
    assert_eq!(line.served(), Some(vec![(0, 16)]));
    // The rest of the first, and 12 of its quantum of 16 for the next.
    assert_eq!(line.served(), Some(vec![(0, 4), (1, 12)]));
    // The other 4 tokens, then the small one, then a new turn as far as there is room.
    assert_eq!(line.served(), Some(vec![(1, 12), (2, 3)]));
    assert_eq!(line.served(), Some(vec![(1, 16)]));
    assert_eq!(line.served(), Some(vec![(3, 1)]));
}

#[test]
fn a_batch_that_starts_with_a_small_request_waits_for_no_part_and_no_lower_class() {
    let mut line = Line::default();
    line.add(Class::Normal, CPU, &[5]);
    line.add(Class::Normal, CPU, &[1; 40]);
    line.add(Class::Bulk, CPU, &[3]);
    line.add(Class::Interactive, CPU, &[2]);
    assert_eq!(line.served(), Some(vec![(3, 2)]));
    assert_eq!(line.served(), Some(vec![(0, 5)]));
    assert_eq!(line.served(), Some(vec![(1, 16)]));
}

/// A client that sends one small request after the other does not keep a large one from its turns.
#[test]
fn small_requests_come_first_for_one_batch() {
    let mut line = Line::default();
    line.add(Class::Normal, CPU, &[8; 100]);
    let mut order = String::new();
    let mut small = line.add(Class::Normal, CPU, &[16]);
    for _ in 0..8 {
        if !line.has_work(small) {
            small = line.add(Class::Normal, CPU, &[16]);
        }
        let [(first, _)] = line.served().unwrap()[..] else { panic!("a batch of one request") };
        order.push(if first == 0 { 'L' } else { 's' });
    }
    assert_eq!(order, "LsLsLsLs");
}

#[test]
fn a_lower_class_that_was_served_is_not_due() {
    let mut line = Line::default();
    line.add(Class::Bulk, CPU, &[8; 100]);
    for _ in 0..20 {
        assert_eq!(line.served(), Some(vec![(0, 16)]));
        let urgent = line.add(Class::Interactive, CPU, &[1]);
        assert_eq!(line.served(), Some(vec![(urgent.0, 1)]));
    }
}

#[test]
fn on_a_gpu_every_batch_is_filled() {
    let mut line = Line::default();
    line.add(Class::Interactive, GPU, &[5]);
    line.add(Class::Bulk, GPU, &[2; 20]);
    line.add(Class::Normal, GPU, &[6, 6]);
    // 11 tokens of room: one item of the normal request, then parts of the bulk one.
    assert_eq!(line.served(), Some(vec![(0, 5), (2, 6)]));
    assert_eq!(line.served(), Some(vec![(1, 10), (2, 6)]));
}

#[test]
fn a_long_text_is_a_batch_by_itself_and_waits_for_its_quanta() {
    let mut line = Line::default();
    line.add(Class::Normal, CPU, &[40]);
    line.add(Class::Normal, CPU, &[16; 4]);
    let order: Vec<_> = std::iter::from_fn(|| line.served()).collect();
    let (long, others) = (vec![(0, 40)], vec![(1, 16)]);
    assert_eq!(order, [others.clone(), others.clone(), long, others.clone(), others]);
}

#[test]
fn a_request_that_was_given_up_loses_its_place() {
    let mut line = Line::default();
    let first = line.add(Class::Normal, CPU, &[9, 9]);
    let second = line.add(Class::Normal, CPU, &[9, 9]);
    assert_eq!(line.served(), Some(vec![(first.0, 9)]));
    line.world.dead.insert(first);
    assert_eq!(line.served(), Some(vec![(second.0, 9)]));
    line.world.dead.insert(second);
    line.turns.sweep(&mut line.world);
    assert!(line.turns.is_empty());
}

#[test]
fn an_item_that_another_request_took_is_passed_over() {
    let mut line = Line::default();
    line.add(Class::Normal, CPU, &[4, 4, 4]);
    line.world.taken.extend([0, 2]);
    assert_eq!(line.take().unwrap().items, [(RequestId(0), 1)]);
    assert!(line.take().is_none());
}

fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(Class::ALL.to_vec())
}

/// What happens to a line.
#[derive(Debug, Clone)]
enum Event {
    Add(Class, Rules, Vec<u64>),
    GiveUp(prop::sample::Index),
    Take,
}

fn event() -> impl Strategy<Value = Event> {
    let kinds = [CPU, Rules { id: 2, ..GPU }, Rules { id: 3, budget: 5, ..CPU }];
    let costs = prop::collection::vec(1u64..40, 1..12);
    prop_oneof![
        3 => (class(), prop::sample::select(kinds.to_vec()), costs)
            .prop_map(|(class, kind, costs)| Event::Add(class, kind, costs)),
        1 => any::<prop::sample::Index>().prop_map(Event::GiveUp),
        6 => Just(Event::Take),
    ]
}

proptest! {
    #[test]
    fn nothing_is_lost_or_taken_twice_and_budgets_are_kept(events in prop::collection::vec(event(), 1..200)) {
        let mut line = Line::default();
        let mut taken = HashSet::new();
        let mut kinds = HashMap::new();
        let rest = std::iter::repeat_n(Event::Take, 5000);
        for event in events.into_iter().chain(rest) {
            match event {
                Event::Add(class, kind, costs) => {
                    let request = line.add(class, kind, &costs);
                    kinds.insert(request, kind);
                }
                Event::GiveUp(index) if !line.of_request.is_empty() => {
                    line.world.dead.insert(RequestId(index.index(line.of_request.len()) as u64));
                }
                Event::GiveUp(_) => {}
                Event::Take => {
                    let Some(batch) = line.take() else { continue };
                    let cost: u64 = batch.items.iter().map(|(_, item)| line.costs[*item as usize]).sum();
                    prop_assert_eq!(cost, batch.cost);
                    prop_assert!(cost <= batch.kind.budget || batch.items.len() == 1);
                    for (request, item) in batch.items {
                        prop_assert_eq!(kinds[&request].id, batch.kind.id);
                        prop_assert!(line.of_request[&request].1.contains(&item));
                        prop_assert!(!line.world.dead.contains(&request));
                        prop_assert!(taken.insert(item));
                    }
                }
            }
        }
        let left = line.of_request.keys().filter(|request| line.has_work(**request)).count();
        prop_assert_eq!(left, 0);
        prop_assert!(line.turns.is_empty());
    }

    /// The bound of the module's documentation, between any two moments at which both have work left, whatever else is
    /// in the ring.
    #[test]
    fn large_requests_of_a_class_are_served_equally(
        costs in prop::collection::vec(prop::collection::vec(1u64..50, 30..60), 2..6),
        others in prop::collection::vec((class(), prop::collection::vec(1u64..16, 1..4), any::<bool>()), 0..60),
        kind in prop::sample::select(vec![CPU, GPU]),
    ) {
        let mut line = Line::default();
        let large: Vec<RequestId> = costs.iter().map(|costs| line.add(Class::Normal, kind, costs)).collect();
        let most = costs.iter().flatten().copied().max().unwrap();
        let mut served = vec![0i64; large.len()];
        let mut moments = vec![served.clone()];
        let mut others = others.into_iter();
        while large.iter().all(|request| line.has_work(*request)) {
            if let Some((class, costs, is_other_kind)) = others.next() {
                line.add(class, Rules { id: if is_other_kind { 9 } else { kind.id }, ..kind }, &costs);
            }
            for (request, cost) in line.served().unwrap() {
                if let Some(served) = served.get_mut(request as usize) {
                    *served += cost as i64;
                }
            }
            if large.iter().all(|request| line.has_work(*request)) {
                moments.push(served.clone());
            }
        }
        for left in 0..large.len() {
            for right in 0..left {
                let differences = moments.iter().map(|served| served[left] - served[right]);
                let spread = differences.clone().max().unwrap() - differences.min().unwrap();
                prop_assert!(spread < (kind.budget + 2 * most) as i64, "{spread} {most}");
            }
        }
    }

    /// Of eight batches in a row during which a class has work, one starts with it.
    #[test]
    fn every_class_has_one_turn_in_eight(
        requests in prop::collection::vec((class(), prop::collection::vec(1u64..40, 1..60)), 1..30),
        kind in prop::sample::select(vec![CPU, GPU]),
    ) {
        let mut line = Line::default();
        for (class, costs) in &requests {
            line.add(*class, kind, costs);
        }
        let mut waited = [0; 3];
        loop {
            let has_work = Class::ALL.map(|class| line.class_has_work(class));
            let Some(batch) = line.take() else { break };
            let first = line.of_request[&batch.items[0].0].0;
            for class in Class::ALL {
                let waited = &mut waited[class as usize];
                *waited = if has_work[class as usize] && class != first { *waited + 1 } else { 0 };
                prop_assert!(*waited < 8, "{class:?} has waited for {waited} batches");
            }
        }
    }

    /// Alone in its class, a small request of the most urgent one waits for at most two batches of other classes.
    #[test]
    fn the_most_urgent_class_comes_first(bulk in prop::collection::vec(1u64..40, 100..200), before in 0usize..9) {
        let mut line = Line::default();
        line.add(Class::Bulk, CPU, &bulk);
        line.add(Class::Normal, CPU, &bulk);
        for _ in 0..before {
            line.take().unwrap();
        }
        let urgent = line.add(Class::Interactive, CPU, &[3]);
        let first_two = [line.take().unwrap(), line.take().unwrap()];
        let has = |batch: &Batch<Rules, u32>| batch.items.iter().any(|(request, _)| *request == urgent);
        prop_assert!(first_two.iter().any(has));
    }
}
