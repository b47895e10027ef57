//! Each state of a user's mark, and what leads from one to another.

use std::cell::RefCell;

use super::*;
use crate::{
    error::Error,
    ledger::{MemoryJournal, Opened},
    usage::UsageSnapshot,
};

const BOB: UserId = UserId(1);
const ALICE: UserId = UserId(2);

/// How the ledger answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Done,
    RescanFirst,
    Failed(ErrorKind, MarkLeft),
}

const AWAY: Answer = Answer::Failed(ErrorKind::Unavailable, MarkLeft::AsBefore);
const ANSWER_LOST: Answer = Answer::Failed(ErrorKind::Unavailable, MarkLeft::Unknown);

struct Ledger {
    answer: Mutex<Answer>,
    /// What was marked.
    told: Mutex<Vec<(UserId, Since)>>,
}

impl Ledger {
    fn answer(&self) -> Result<Cleared, MarkError> {
        match *lock(&self.answer) {
            Answer::Done => Ok(Cleared::Clean),
            Answer::RescanFirst => Ok(Cleared::RescanFirst),
            Answer::Failed(kind, mark) => Err(MarkError {
                error: Error::new(kind, "failed"),
                mark,
            }),
        }
    }
}

impl super::Ledger for Ledger {
    fn open(&self, _: UserId, _: Option<UsageSnapshot>) -> Result<Opened> {
        Err(Error::not_found("nothing is opened here"))
    }

    fn mark(&self, user: UserId, _: StorageUsage, since: Since) -> Result<(), MarkError> {
        self.answer()?;
        lock(&self.told).push((user, since));
        Ok(())
    }

    fn clear(&self, _: UserId) -> Result<Cleared, MarkError> {
        self.answer()
    }

    fn begin_rescan(
        &self,
        user: UserId,
        contributed: StorageUsage,
        since: Since,
    ) -> Result<Option<RescanStart>, MarkError> {
        self.mark(user, contributed, since)?;
        Ok(Some(RescanStart {
            is_alone: true,
            is_due: false,
        }))
    }

    fn left_dirty(&self) -> Result<LeftDirty> {
        Ok(LeftDirty::Shared)
    }
}

/// A journal that cannot be written when a test says so.
#[derive(Default)]
struct Journal {
    entries: MemoryJournal,
    is_full: Mutex<bool>,
}

impl Journal {
    fn check(&self) -> Result<()> {
        match *lock(&self.is_full) {
            true => Err(Error::new(ErrorKind::StorageFull, "full")),
            false => Ok(()),
        }
    }
}

impl DirtyJournal for Journal {
    fn add(&self, user: UserId) -> Result<()> {
        self.check()?;
        self.entries.add(user)
    }

    fn remove(&self, user: UserId) -> Result<()> {
        self.check()?;
        self.entries.remove(user)
    }

    fn users(&self) -> Result<Vec<UserId>> {
        self.entries.users()
    }
}

/// A tracker, and what it knows of one user.
struct Tracked {
    ledger: Arc<Ledger>,
    journal: Arc<Journal>,
    tracker: DirtyTracker,
    state: DirtyState,
}

impl Tracked {
    fn new() -> Self {
        let ledger = Arc::new(Ledger {
            answer: Mutex::new(Answer::Done),
            told: Mutex::default(),
        });
        let journal = Arc::<Journal>::default();
        Self {
            tracker: DirtyTracker::new(Arc::new(Ledgers::of(ledger.clone())), journal.clone()),
            ledger,
            journal,
            state: DirtyState::default(),
        }
    }

    fn ledger_answers(&self, answer: Answer) {
        *lock(&self.ledger.answer) = answer;
    }

    fn journal_is_full(&self, is_full: bool) {
        *lock(&self.journal.is_full) = is_full;
    }

    fn mark(&mut self) -> bool {
        self.tracker
            .mark(&mut self.state, BOB, StorageUsage::default)
    }

    fn clear(&mut self) -> Result<()> {
        self.tracker.clear(&mut self.state, BOB)
    }

    fn told(&self) -> Vec<(UserId, Since)> {
        lock(&self.ledger.told).clone()
    }
}

#[test]
fn a_user_is_marked_once_and_clean_again_when_that_is_ended() {
    let mut tracked = Tracked::new();
    assert!(tracked.state.is_clean());
    assert!(tracked.mark() && tracked.mark());
    assert_eq!(tracked.state.mark, Mark::Ledger);
    assert_eq!(tracked.told(), [(BOB, Since::Now)]);
    tracked.clear().unwrap();
    assert_eq!(tracked.state.mark, Mark::None);
}

#[test]
fn while_the_ledger_is_away_the_journal_says_it_and_what_the_ledger_hears_then_is_late() {
    let mut tracked = Tracked::new();
    tracked.ledger_answers(AWAY);
    assert!(tracked.mark());
    assert_eq!(tracked.state.mark, Mark::Journal);
    assert_eq!(tracked.journal.users().unwrap(), [BOB]);
    tracked.ledger_answers(Answer::Done);
    tracked.journal_is_full(true);
    assert!(tracked.mark());
    assert_eq!(tracked.state.mark, Mark::Both);
    assert_eq!(tracked.told(), [(BOB, Since::Before)]);
    tracked.journal_is_full(false);
    assert!(tracked.mark());
    assert_eq!(tracked.state.mark, Mark::Ledger);
    assert_eq!(tracked.journal.users().unwrap(), []);
    assert_eq!(tracked.told().len(), 1);
}

#[test]
fn what_neither_takes_is_tried_again() {
    let mut tracked = Tracked::new();
    tracked.ledger_answers(AWAY);
    tracked.journal_is_full(true);
    assert!(!tracked.mark());
    assert!(tracked.state.is_clean());
    tracked.ledger_answers(Answer::Done);
    assert!(tracked.mark());
}

#[test]
fn a_mark_that_cannot_be_ended_stays_unless_its_answer_was_lost() {
    for (answer, mark, is_unsure) in [(AWAY, Mark::Ledger, false), (ANSWER_LOST, Mark::None, true)]
    {
        let mut tracked = Tracked::new();
        tracked.mark();
        tracked.ledger_answers(answer);
        assert!(tracked.clear().is_err());
        assert_eq!(tracked.state.mark, mark, "{answer:?}");
        assert_eq!(!tracked.tracker.unsure_users().is_empty(), is_unsure);
    }
    let mut tracked = Tracked::new();
    tracked.mark();
    tracked.ledger_answers(Answer::RescanFirst);
    tracked.clear().unwrap();
    assert_eq!(tracked.state.mark, Mark::Ledger);
    let gone = Answer::Failed(ErrorKind::NotFound, MarkLeft::AsBefore);
    tracked.ledger_answers(gone);
    tracked.clear().unwrap();
    assert_eq!(tracked.state.mark, Mark::None);
}

#[test]
fn a_mark_whose_answer_was_lost_is_ended_when_that_is_possible_and_nobody_waits_for_another() {
    let mut tracked = Tracked::new();
    tracked.ledger_answers(ANSWER_LOST);
    assert!(tracked.mark());
    assert_eq!(tracked.state.mark, Mark::Journal);
    let mut alice = DirtyState::default();
    tracked
        .tracker
        .mark(&mut alice, ALICE, StorageUsage::default);
    let asked = RefCell::new(Vec::new());
    let end = |answer: fn(UserId) -> Result<bool>| {
        asked.borrow_mut().clear();
        let end = |user| {
            asked.borrow_mut().push(user);
            answer(user)
        };
        tracked.tracker.end_unsure(end, &|| Ok(()))
    };
    let refuse = |_| Err(Error::new(ErrorKind::Unavailable, "away"));
    assert!(end(refuse).is_err());
    assert_eq!(*asked.borrow(), [BOB]);
    assert!(end(refuse).is_err());
    assert_eq!(*asked.borrow(), [ALICE], "who was refused comes last");
    end(|user| Ok(user == ALICE)).unwrap();
    assert_eq!(*asked.borrow(), [BOB, ALICE]);
    end(|_| Ok(true)).unwrap();
    assert_eq!(*asked.borrow(), [BOB]);
    end(|_| Ok(true)).unwrap();
    assert!(asked.borrow().is_empty());
}

#[test]
fn who_was_left_dirty_is_to_be_counted_first() {
    for leave in [DirtyState::left_in_ledger, DirtyState::left_in_journal] {
        let mut tracked = Tracked::new();
        leave(&mut tracked.state);
        assert!(tracked.state.needs_rescan() && !tracked.state.is_clean());
        tracked.state.rescanned();
        assert!(!tracked.state.needs_rescan() && !tracked.state.is_clean());
        leave(&mut tracked.state);
        tracked.tracker.forget(&mut tracked.state, BOB);
        assert_eq!(tracked.state, DirtyState::default());
    }
}

#[test]
fn a_rescan_says_whether_files_may_have_changed_before_it() {
    let mut tracked = Tracked::new();
    for since in [Since::Now, Since::Before] {
        let begun = tracked
            .tracker
            .begin_rescan(&mut tracked.state, BOB, StorageUsage::default);
        assert!(begun.unwrap().is_some());
        assert_eq!(tracked.told().last(), Some(&(BOB, since)));
        assert_eq!(tracked.state.mark, Mark::Ledger);
    }
    tracked
        .tracker
        .mark_again(tracked.state, BOB, StorageUsage::default())
        .unwrap();
    assert_eq!(tracked.told().len(), 3);
    tracked
        .tracker
        .mark_again(DirtyState::default(), ALICE, StorageUsage::default())
        .unwrap();
    assert_eq!(tracked.told().len(), 3, "who is clean is not marked again");
}
