//! Uploads that wait for their receipts: users take turns, and whoever brings one never waits.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sftpgo_core::{UserId, VirtualPath, content::Uploaded, sync::lock};

/// Uploads that wait in all. Each takes some hundred bytes.
const CAPACITY: usize = 10_000;
/// Of them so many keep their file open, so that it may be renamed meanwhile; the files of the others are opened by name.
const KEPT_OPEN: usize = 64;
/// One user has so many of these at the most.
const KEPT_OPEN_OF_USER: usize = 16;

/// A bounded queue.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Users of whom something waits, in the order of their turns.
    turns: VecDeque<UserId>,
    waiting: HashMap<UserId, VecDeque<Box<Uploaded>>>,
    count: usize,
    /// As many of what waits have their file open.
    kept_open: usize,
    /// What is being made.
    made: Vec<(UserId, VirtualPath)>,
    is_closed: bool,
}

/// An upload that found no room.
pub(super) struct Full(pub(super) Box<Uploaded>);

/// What there is to do.
pub(super) enum Next {
    Make(Box<Uploaded>),
    /// The time is over.
    Time,
    /// There is nothing any more.
    Closed,
}

impl Queue {
    /// Adds an upload. A user has no more waiting than others still find room for.
    ///
    /// # Errors
    /// There is no room.
    pub(super) fn push(&self, mut upload: Box<Uploaded>) -> Result<(), Full> {
        let mut state = lock(&self.state);
        let State {
            turns,
            waiting,
            count,
            kept_open,
            is_closed,
            ..
        } = &mut *state;
        let of_user = waiting.get(&upload.user).map_or(0, VecDeque::len);
        if *is_closed || of_user >= CAPACITY - *count {
            return Err(Full(upload));
        }
        if *kept_open >= KEPT_OPEN || of_user >= KEPT_OPEN_OF_USER {
            upload.content.let_go();
        }
        if upload.content.is_open() {
            *kept_open += 1;
        }
        if of_user == 0 {
            turns.push_back(upload.user);
        }
        waiting.entry(upload.user).or_default().push_back(upload);
        *count += 1;
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for the next upload, until `until` if that is given. [`Queue::done`] says that it is not being made any more.
    pub(super) fn next(&self, until: Option<Instant>) -> Next {
        let mut state = lock(&self.state);
        loop {
            if let Some(upload) = state.take() {
                return Next::Make(upload);
            }
            if state.is_closed {
                return Next::Closed;
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            state = match left {
                Some(Duration::ZERO) => return Next::Time,
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Says that the receipt of this upload is there, or will not be.
    pub(super) fn done(&self, user: UserId, path: &VirtualPath) {
        let mut state = lock(&self.state);
        let place = state
            .made
            .iter()
            .position(|(of, made)| *of == user && made == path);
        if let Some(place) = place {
            state.made.swap_remove(place);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Does an upload of this user to `path` wait, or is its receipt being made?
    pub(super) fn has(&self, user: UserId, path: &VirtualPath) -> bool {
        let state = lock(&self.state);
        let of_user = state.waiting.get(&user).into_iter().flatten();
        let is_made = || {
            let mut made = state.made.iter();
            made.any(|(of, made)| *of == user && made == path)
        };
        is_made()
            || of_user
                .into_iter()
                .any(|upload| upload.content.path() == path)
    }

    /// Takes no more, waits until nothing is left to do, but no longer than `limit`, and returns how many are left.
    pub(super) fn close(&self, limit: Duration) -> usize {
        let mut state = lock(&self.state);
        state.is_closed = true;
        self.changed.notify_all();
        let waited = self.changed.wait_timeout_while(state, limit, |state| {
            state.count > 0 || !state.made.is_empty()
        });
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.count + state.made.len()
    }
}

impl State {
    /// Takes the next upload of a user of whom none is being made: the receipt of a newer one must not be there first.
    fn take(&mut self) -> Option<Box<Uploaded>> {
        let is_made = |user: &UserId| self.made.iter().any(|(of, _)| of == user);
        let turn = self.turns.iter().position(|user| !is_made(user))?;
        let user = self.turns.remove(turn)?;
        let of_user = self.waiting.get_mut(&user)?;
        let upload = of_user.pop_front()?;
        match of_user.is_empty() {
            true => {
                self.waiting.remove(&user);
            }
            false => self.turns.push_back(user),
        }
        self.count -= 1;
        if upload.content.is_open() {
            self.kept_open -= 1;
        }
        self.made.push((user, upload.content.path().clone()));
        Some(upload)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::{fs::File, sync::Arc, time::SystemTime};

    use sftpgo_core::{content::Content, usage::Writers};
    use sftpgo_test_support::{Service, path};

    use super::*;

    /// Uploads of any user to a path, each a file of so many bytes.
    pub(in super::super) fn uploads(size: u64) -> impl Fn(i32, &str) -> Box<Uploaded> {
        let service = Service::with_bob(|_| {});
        let logged_in = service.log_in();
        let writers = Arc::new(Writers::default());
        move |user, name| {
            let file = service.path(name);
            if !file.exists() {
                File::create(file).unwrap().set_len(size).unwrap();
            }
            let content = Content::open(&logged_in.filesystem, &path(name), &writers).unwrap();
            Box::new(Uploaded {
                user: UserId(user),
                username: user.to_string(),
                content,
                is_whole: true,
                at: SystemTime::now(),
            })
        }
    }

    fn next(queue: &Queue) -> (i32, String) {
        let Next::Make(upload) = queue.next(Some(Instant::now())) else {
            return (0, String::new());
        };
        let path = upload.content.path().to_string_lossy().into_owned();
        (upload.user.0, path)
    }

    #[test]
    fn users_take_turns_and_what_waits_or_is_made_is_known() {
        let (queue, upload) = (Queue::default(), uploads(7));
        for (user, name) in [(1, "a"), (1, "b"), (1, "c"), (2, "d")] {
            assert!(queue.push(upload(user, name)).is_ok());
        }
        let next_is = |user, path: &str| assert_eq!(next(&queue), (user, path.to_owned()));
        next_is(1, "/a");
        next_is(2, "/d");
        // One of a user at a time.
        next_is(0, "");
        assert!(queue.has(UserId(1), &path("/a")) && !queue.has(UserId(2), &path("/a")));
        queue.done(UserId(1), &path("/a"));
        assert!(!queue.has(UserId(1), &path("/a")));
        next_is(1, "/b");
        queue.done(UserId(1), &path("/b"));
        assert!(queue.push(upload(3, "e")).is_ok());
        assert!(queue.has(UserId(3), &path("/e")));
        next_is(1, "/c");
        // Two are being made still, and one waits.
        assert_eq!(queue.close(Duration::ZERO), 3);
        assert!(queue.push(upload(3, "f")).is_err());
    }

    #[test]
    fn one_user_leaves_others_room() {
        let (queue, upload) = (Queue::default(), uploads(7));
        let pushed = |user: i32| {
            let mut count = 0;
            while queue.push(upload(user, "a")).is_ok() {
                count += 1;
            }
            count
        };
        assert_eq!(pushed(1), CAPACITY / 2);
        assert_eq!(pushed(2), CAPACITY / 4);
        assert_eq!(pushed(3), CAPACITY / 8);
    }

    #[test]
    fn one_user_leaves_others_room_for_open_files() {
        let (queue, upload) = (Queue::default(), uploads(7));
        for user in 1..10 {
            for _ in 0..100 {
                assert!(queue.push(upload(user, "a")).is_ok());
            }
        }
        let kept_open = |user| {
            let state = lock(&queue.state);
            let of_user = state.waiting[&UserId(user)].iter();
            of_user.filter(|upload| upload.content.is_open()).count()
        };
        let all: Vec<_> = (1..10).map(kept_open).collect();
        assert_eq!(all, [16, 16, 16, 16, 0, 0, 0, 0, 0]);
        while let (user @ 1.., _) = next(&queue) {
            queue.done(UserId(user), &path("/a"));
        }
        assert_eq!(lock(&queue.state).kept_open, 0);
    }
}
