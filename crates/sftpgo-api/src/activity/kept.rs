//! The last events, one behind the other in one piece of memory: thousands of small pieces, made by the threads of as many
//! connections, would each keep a page from the system.

use std::collections::VecDeque;

use super::recent::{Kind, RecentEvent};

/// The number of events that are kept.
const MOST: usize = 5000;
/// The bytes of them that are kept; two or three thousand usual events.
const MOST_BYTES: usize = 256 * 1024;

/// The time, and the number of the kind.
const HEAD: usize = 8 + 1;
/// Texts of an event.
const TEXTS: usize = 4;

/// The last ones, in their order.
///
/// Each is the time, the number of its kind, and its texts, each behind its length.
#[derive(Default)]
pub(crate) struct Kept {
    bytes: VecDeque<u8>,
    count: usize,
}

impl Kept {
    /// Keeps an event, and forgets the oldest ones for it.
    pub(super) fn push(&mut self, event: &RecentEvent) {
        let texts = texts_of(event);
        let size: usize = texts.iter().map(|text| 2 + text.len()).sum();
        while self.count >= MOST || (self.count > 0 && self.bytes.len() + HEAD + size > MOST_BYTES)
        {
            self.forget_oldest();
        }
        self.bytes.extend(event.time.to_le_bytes());
        self.bytes.push_back(event.kind as u8);
        for text in texts {
            // What comes from outside was shortened.
            let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
            self.bytes.extend(len.to_le_bytes());
            self.bytes.extend(text.bytes().take(len.into()));
        }
        self.count += 1;
    }

    fn forget_oldest(&mut self) {
        self.forget(HEAD);
        for _ in 0..TEXTS {
            let len = [(); 2].map(|()| self.bytes.pop_front().unwrap_or(0));
            self.forget(u16::from_le_bytes(len).into());
        }
        self.count = self.count.saturating_sub(1);
    }

    fn forget(&mut self, bytes: usize) {
        self.bytes.drain(..bytes.min(self.bytes.len()));
    }

    /// The last ones that `is_wanted`, the newest first, and `most` at the most.
    pub(super) fn last(
        &mut self,
        most: usize,
        is_wanted: impl Fn(&RecentEvent) -> bool,
    ) -> Vec<RecentEvent> {
        let mut rest = &*self.bytes.make_contiguous();
        let events = std::iter::from_fn(|| read(&mut rest));
        let mut wanted = VecDeque::new();
        for event in events.filter(is_wanted) {
            if wanted.len() >= most {
                wanted.pop_front();
            }
            wanted.push_back(event);
        }
        wanted.into_iter().rev().collect()
    }
}

fn texts_of(event: &RecentEvent) -> [&str; TEXTS] {
    [&event.username, &event.by, &event.address, &event.text].map(String::as_str)
}

/// Takes the first event from `bytes`.
fn read(bytes: &mut &[u8]) -> Option<RecentEvent> {
    let time = i64::from_le_bytes(take(bytes)?);
    let [kind] = take(bytes)?;
    let kind = *Kind::ALL.get(usize::from(kind))?;
    let mut text = || {
        let len = u16::from_le_bytes(take(bytes)?);
        let (text, rest) = bytes.split_at_checked(len.into())?;
        *bytes = rest;
        Some(String::from_utf8_lossy(text).into_owned())
    };
    let [username, by, address, text] = [text()?, text()?, text()?, text()?];
    Some(RecentEvent {
        time,
        kind,
        username,
        by,
        address,
        text,
    })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(number: usize, text: String) -> RecentEvent {
        RecentEvent {
            time: -5,
            kind: Kind::Change,
            username: format!("user{number}"),
            by: "alice".to_owned(),
            address: "192.0.2.1".to_owned(),
            text,
        }
    }

    #[test]
    fn what_is_kept_comes_back_as_it_was() {
        let mut kept = Kept::default();
        let events = Kind::ALL.map(|kind| RecentEvent {
            kind,
            by: String::new(),
            ..numbered(1, "naïve".repeat(100))
        });
        for event in &events {
            kept.push(event);
        }
        let mut all = kept.last(usize::MAX, |_| true);
        all.reverse();
        assert_eq!(all, events);
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let mut kept = Kept::default();
        for number in 0..MOST + 3 {
            kept.push(&numbered(number, String::new()));
        }
        let all = kept.last(usize::MAX, |_| true);
        assert_eq!(all.len(), MOST);
        assert_eq!(all.last().unwrap().username, "user3");
        let one = kept.last(1, |event| event.username == "user7");
        assert_eq!(one.len(), 1);
        assert_eq!(one[0].username, "user7");
    }

    #[test]
    fn the_oldest_go_when_they_are_too_long() {
        let mut kept = Kept::default();
        for number in 0..3 * MOST {
            kept.push(&numbered(number, "x".repeat(number % 600)));
            assert!(kept.bytes.len() <= MOST_BYTES);
        }
        let all = kept.last(usize::MAX, |_| true);
        assert_eq!(all.len(), kept.count);
        assert!(kept.bytes.len() + 1000 > MOST_BYTES, "{}", kept.bytes.len());
        let newest = (0..3 * MOST).rev();
        for (event, number) in all.iter().zip(newest) {
            assert_eq!(*event, numbered(number, "x".repeat(number % 600)));
        }
    }
}
