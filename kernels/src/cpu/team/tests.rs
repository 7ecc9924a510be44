use super::*;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

fn team(threads: usize) -> Team {
    let threads = NonZero::new(threads).unwrap();
    Team::new(threads, threads).unwrap()
}

#[test]
fn ranges_cover_everything_once() {
    for count in [0, 1, 2, 7, 100] {
        for parts in [0, 1, 2, 3, 16] {
            let ranges: Vec<_> = divide(count, parts).collect();
            assert!(ranges.len() <= parts.max(1) && !ranges.is_empty());
            assert_eq!(ranges.iter().cloned().flatten().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
            assert!(count == 0 || ranges.iter().all(|range| !range.is_empty()));
        }
    }
}

#[test]
fn only_a_shared_body_has_all_threads_and_every_item_is_worked_on() {
    assert_eq!(threads(), 1);
    assert_eq!(rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap().install(threads), 1);
    let team = team(3);
    let sum = AtomicUsize::new(0);
    let result = team.share(|| {
        assert_eq!(threads(), 3);
        for_each(1..=10, |i| {
            sum.fetch_add(i, Ordering::Relaxed);
        });
        "done"
    });
    assert_eq!(result, Some("done"));
    assert_eq!(team.map(&[()], |_, ()| threads(), |_| true), [(0, 1)]);
    assert_eq!(team.share_each(&[1, 2], |&item| (item, threads())), Some(vec![(1, 3), (2, 3)]));
    for_each([0; 0], |_: i32| unreachable!());
    assert_eq!(sum.into_inner(), 55);
}

#[test]
fn every_item_is_done_on_a_thread_of_the_team() {
    let team = team(3);
    let items: Vec<usize> = (0..1000).collect();
    let seen = Mutex::new(BTreeSet::new());
    let work = |thread: usize, item: &usize| {
        seen.lock().unwrap().insert((thread, std::thread::current().name().unwrap().to_owned()));
        2 * item
    };
    let mut results = team.map(&items, work, |_| true);
    results.sort_unstable();
    assert_eq!(results, items.iter().map(|&item| (item, 2 * item)).collect::<Vec<_>>());
    for (thread, name) in seen.into_inner().unwrap() {
        assert!(thread < 3 && name == format!("nearsay-{thread}"), "{name}");
    }
    assert_eq!(team.map(&[0; 0], |_, &x| x, |_| true), []);
}

#[test]
fn no_item_is_started_after_a_result_that_ends_it() {
    let team = team(2);
    let started = AtomicUsize::new(0);
    let items: Vec<usize> = (0..10_000).collect();
    let work = |_, item: &usize| {
        started.fetch_add(1, Ordering::Relaxed);
        *item
    };
    let results = team.map(&items, work, |&item| item != 5);
    assert!(results.iter().any(|&(index, _)| index == 5) && started.into_inner() < 20);
}

/// Many callers, with pieces and shared bodies in any order: never more at work than there are threads.
#[test]
fn callers_at_once_share_the_threads() {
    let (team, working, most) = (team(2), AtomicUsize::new(0), AtomicUsize::new(0));
    let work = |_, item: &usize| {
        most.fetch_max(1 + working.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        std::thread::sleep(std::time::Duration::from_micros(20));
        working.fetch_sub(1, Ordering::Relaxed);
        *item
    };
    let items: Vec<usize> = (0..50).collect();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                assert_eq!(team.map(&items, work, |_| true).len(), 50);
                let shared = || for_each(0..8, |item| assert_eq!(work(0, &item), item));
                for _ in 0..50 {
                    team.share(shared);
                }
            });
        }
    });
    assert!((1..=2).contains(&most.into_inner()));
}

/// A short call after a long one finishes long before it.
#[test]
fn calls_take_turns() {
    let team = team(1);
    let long: Vec<usize> = (0..400).collect();
    let done = AtomicUsize::new(0);
    let work = |_, _: &usize| {
        std::thread::sleep(std::time::Duration::from_micros(500));
        done.fetch_add(1, Ordering::Relaxed);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| team.map(&long, work, |_| true));
        while done.load(Ordering::Relaxed) < 5 {
            std::thread::yield_now();
        }
        team.map(&long[..3], |_, _| (), |_| true);
        assert!(done.load(Ordering::Relaxed) < 300, "{done:?}");
    });
}

#[test]
fn a_call_inside_a_call_is_worked_on_by_its_own_thread() {
    let team = team(1);
    let inner = |_, &item: &usize| team.map(&[item, item + 1], |_, &x| x, |_| true).len();
    assert_eq!(team.map(&[1usize, 2], inner, |_| true).len(), 2);
    assert_eq!(team.map(&[1usize], inner, |_| true), [(0, 2)]);
}

#[test]
fn a_team_at_work_shares_nothing() {
    let team = team(2);
    assert_eq!(team.share(|| team.share(|| 1)), Some(None));
    assert_eq!(team.map(&[()], |_, ()| team.share(|| 1), |_| true), [(0, None)]);
    assert_eq!(team.share(|| team.standing_still(|| 1)), Some(None));
    assert_eq!(team.standing_still(|| (team.share(|| 1), threads())), Some((None, 1)));
    let count = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let work = |_| {
                        count.fetch_add(1, Ordering::Relaxed);
                    };
                    if team.share(|| for_each(0..8, work)).is_none() {
                        for_each(0..8, work);
                    }
                }
            });
        }
    });
    assert_eq!(count.into_inner(), 4 * 500 * 8);
}

#[test]
fn more_threads_than_cores_take_turns() {
    let team = team(8 * std::thread::available_parallelism().unwrap().get());
    let (start, sum) = (std::time::Instant::now(), AtomicUsize::new(0));
    let add = |_| {
        sum.fetch_add(1, Ordering::Relaxed);
    };
    let body = || (0..10).for_each(|_| for_each(0..8, add));
    for _ in 0..200 {
        team.share(body).unwrap();
    }
    assert_eq!(sum.into_inner(), 200 * 10 * 8);
    // Measured: 0.3 s; half a minute and more if waiting threads keep their cores.
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn a_panic_ends_the_work_and_not_the_team() {
    let team = team(3);
    let body = || {
        if threads() == 3 {
            panic!("expected by this test")
        }
    };
    let run = || team.share(body);
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    assert_eq!(team.share(|| 7), Some(7));
    let fails = |_, &item: &usize| assert_ne!(item, 3, "expected by this test");
    let items: Vec<usize> = (0..100).collect();
    assert!(catch_unwind(AssertUnwindSafe(|| team.map(&items, fails, |_| true))).is_err());
    assert_eq!(team.map(&items, |_, _| (), |_| true).len(), 100);
}
