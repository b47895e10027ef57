//! Threads that hang, with connections that are numbers.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests fail like tests

use std::sync::{
    atomic::{AtomicUsize, Ordering},
    mpsc::{Receiver, Sender, channel},
};

use super::*;

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_secs(1);

/// Connections that know their numbers, and are sound until told otherwise.
#[derive(Default)]
struct Numbered {
    made: AtomicUsize,
    asked: AtomicUsize,
}

impl Source for Arc<Numbered> {
    type Connection = usize;

    fn connect(&self) -> Result<usize> {
        Ok(self.made.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn is_sound(&self, _: &mut usize, unused: Option<Duration>) -> bool {
        self.asked.fetch_add(1, Ordering::SeqCst);
        unused.is_some()
    }
}

fn workers(size: usize, wait: Duration, call: Duration) -> (Workers<Arc<Numbered>>, Arc<Numbered>) {
    let source = Arc::new(Numbered::default());
    let limits = Limits {
        wait,
        call,
        idle: LONG,
    };
    (Workers::new(Arc::clone(&source), size, limits), source)
}

fn number(workers: &Workers<Arc<Numbered>>) -> Result<usize> {
    workers.call(|number, _| Ok(*number))
}

/// A call that hangs until its sender is dropped, and then tells whether it was waited for.
fn hang(workers: &Workers<Arc<Numbered>>) -> (Sender<()>, Receiver<bool>, Error) {
    let (go_on, stands_still) = channel::<()>();
    let (tell, told) = channel();
    let outcome = workers.call(move |_, waiter| {
        let _ = stands_still.recv();
        let _ = tell.send(waiter.waits());
        Ok(())
    });
    (go_on, told, outcome.unwrap_err())
}

fn until(what: impl Fn() -> bool) {
    let end = Instant::now() + LONG;
    while !what() {
        assert!(Instant::now() < end);
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn one_caller_after_another_gets_the_same_connection() {
    let (workers, source) = workers(4, LONG, LONG);
    for _ in 0..10 {
        assert_eq!(number(&workers).unwrap(), 1);
    }
    assert_eq!(source.made.load(Ordering::SeqCst), 1);
}

#[test]
fn no_more_connections_are_made_than_there_may_be() {
    let (workers, source) = workers(3, LONG, LONG);
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert!(number(&workers).unwrap() <= 3);
                }
            });
        }
    });
    assert!(source.made.load(Ordering::SeqCst) <= 3);
}

#[test]
fn who_finds_all_busy_is_told_so() {
    let (workers, _) = workers(1, SHORT, LONG);
    let (go_on, stands_still) = channel::<()>();
    thread::scope(|scope| {
        let busy = scope.spawn(|| workers.call(move |_, _| Ok(stands_still.recv().is_err())));
        until(|| workers.0.lock().running == 1);
        let error = number(&workers).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().starts_with("all 1 connections"), "{error}");
        drop(go_on);
        assert!(busy.join().unwrap().unwrap());
    });
    // What was not waited for any more never ran.
    assert_eq!(number(&workers).unwrap(), 1);
}

#[test]
fn a_call_that_hangs_is_given_up_and_its_connection_replaced() {
    let (workers, source) = workers(1, LONG, SHORT);
    let (go_on, told, error) = hang(&workers);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("did not answer"), "{error}");
    assert_eq!(number(&workers).unwrap(), 2);
    // It learns that nobody waits any more, and its connection is not used again.
    drop(go_on);
    assert!(!told.recv().unwrap());
    until(|| workers.0.lock().given_up == 0);
    assert_eq!(number(&workers).unwrap(), 2);
    assert_eq!(source.made.load(Ordering::SeqCst), 2);
}

#[test]
fn no_more_calls_hang_than_may_and_then_it_goes_on() {
    let (workers, source) = workers(1, SHORT, SHORT);
    let hanging: Vec<_> = (0..THREADS_PER_CONNECTION)
        .map(|_| hang(&workers))
        .collect();
    let error = number(&workers).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(source.made.load(Ordering::SeqCst), THREADS_PER_CONNECTION);
    drop(hanging);
    until(|| workers.0.lock().given_up == 0);
    assert_eq!(number(&workers).unwrap(), THREADS_PER_CONNECTION + 1);
}

#[test]
fn a_connection_is_asked_for_after_an_error_of_the_database() {
    let (workers, source) = workers(1, LONG, LONG);
    let fail = |kind| workers.call(move |_, _| Err::<(), _>(Error::new(kind, "no")));
    fail(ErrorKind::NotFound).unwrap_err();
    assert_eq!(number(&workers).unwrap(), 1);
    fail(ErrorKind::Unavailable).unwrap_err();
    assert_eq!(number(&workers).unwrap(), 2);
    assert_eq!(source.asked.load(Ordering::SeqCst), 3);
}

#[test]
fn a_call_that_panics_leaves_the_others_theirs() {
    let (workers, _) = workers(1, LONG, LONG);
    let outcome: Result<()> = workers.call(|_, _| panic!("this is a test"));
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Internal);
    assert_eq!(number(&workers).unwrap(), 2);
}

#[test]
fn threads_end_with_the_workers_and_without_calls() {
    let (workers, source) = workers(2, LONG, LONG);
    number(&workers).unwrap();
    drop(workers);
    until(|| Arc::strong_count(&source) == 1);

    let limits = Limits {
        wait: LONG,
        call: LONG,
        idle: SHORT,
    };
    let workers = Workers::new(Arc::clone(&source), 2, limits);
    number(&workers).unwrap();
    until(|| workers.0.lock().running == 0);
    assert_eq!(number(&workers).unwrap(), 3);
}
