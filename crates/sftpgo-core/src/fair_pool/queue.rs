//! Whose password is verified next, or whose keys are exchanged: sources and names take turns, and the line is bounded.
//!
//! Every other turn goes to a source and every other to a name, each time to the one that was served longest ago, and
//! there to who came first. So checks of one source wait behind each other and not before those of other sources, and
//! checks of one name, from however many sources, not before those of other names.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    net::IpAddr,
};

use super::source::source_of;

/// The longest name of a user in bytes: all that are longer are one name here.
const LONGEST_NAME: usize = 255;

/// Who asks for a check: the address, or for IPv6 its network of 64 bits, which one client has as a rule; and the name
/// as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    source: IpAddr,
    name: String,
}

impl Asker {
    /// Makes the asker at an address that has sent no name yet: the source stands for it.
    pub fn unknown(address: IpAddr) -> Self {
        Self::new(address, &source_of(address).to_string())
    }

    /// Makes the asker that sent this name from this address.
    pub fn new(address: IpAddr, name: &str) -> Self {
        let name = if name.len() > LONGEST_NAME { "" } else { name };
        Self {
            source: source_of(address),
            name: name.to_owned(),
        }
    }
}

/// The line of those who wait for a check.
pub(super) struct Queue<T> {
    most: usize,
    next_ticket: u64,
    waiting: HashMap<u64, (Asker, T)>,
    sources: Turns<IpAddr>,
    names: Turns<String>,
    is_turn_of_names: bool,
}

/// The line is full.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl<T> Queue<T> {
    /// An empty line of at most `most` checks.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            next_ticket: 0,
            waiting: HashMap::new(),
            sources: Turns::default(),
            names: Turns::default(),
            is_turn_of_names: false,
        }
    }

    /// Adds a check and returns its ticket, with the check that had to make room for it: the last one of the source
    /// that has the most of them.
    ///
    /// # Errors
    /// [`Full`] when no other source has more checks in the line than this one would have.
    pub(super) fn push(&mut self, asker: Asker, check: T) -> Result<(u64, Option<T>), Full> {
        let mut dropped = None;
        if self.waiting.len() >= self.most {
            let (ticket, most) = self.sources.last_of_longest().ok_or(Full)?;
            if most <= self.sources.len_of(&asker.source) + 1 {
                return Err(Full);
            }
            dropped = self.remove(ticket);
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.sources.push(&asker.source, ticket);
        self.names.push(&asker.name, ticket);
        self.waiting.insert(ticket, (asker, check));
        Ok((ticket, dropped))
    }

    /// Takes the check whose turn it is. [`Queue::done`] is to be told when it has ended.
    pub(super) fn pop(&mut self) -> Option<(Asker, T)> {
        let ticket = if self.is_turn_of_names {
            self.names.next()
        } else {
            self.sources.next()
        }?;
        self.is_turn_of_names = !self.is_turn_of_names;
        let (asker, check) = self.waiting.remove(&ticket)?;
        self.sources.begin(&asker.source, ticket);
        self.names.begin(&asker.name, ticket);
        Some((asker, check))
    }

    /// A check that was taken has ended.
    pub(super) fn done(&mut self, asker: &Asker) {
        self.sources.end(&asker.source);
        self.names.end(&asker.name);
    }

    /// Takes a check out of the line, if it is still there.
    pub(super) fn remove(&mut self, ticket: u64) -> Option<T> {
        let (asker, check) = self.waiting.remove(&ticket)?;
        self.sources.remove(&asker.source, ticket);
        self.names.remove(&asker.name, ticket);
        Some(check)
    }
}

/// The checks of each source, or of each name.
struct Turns<K> {
    of: HashMap<K, Turn>,
    /// The keys that have checks in the line, with when each was served last, and the first of these checks.
    order: BTreeSet<(u64, u64, K)>,
    served: u64,
}

#[derive(Default)]
struct Turn {
    /// 0 is never, as long as it is remembered.
    served_at: u64,
    running: usize,
    tickets: BTreeSet<u64>,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self {
            of: HashMap::new(),
            order: BTreeSet::new(),
            served: 0,
        }
    }
}

impl<K: Clone + Eq + Hash + Ord> Turns<K> {
    fn len_of(&self, key: &K) -> usize {
        self.of.get(key).map_or(0, |turn| turn.tickets.len())
    }

    fn push(&mut self, key: &K, ticket: u64) {
        self.change(key, |turn| {
            turn.tickets.insert(ticket);
        });
    }

    fn remove(&mut self, key: &K, ticket: u64) {
        self.change(key, |turn| {
            turn.tickets.remove(&ticket);
        });
    }

    fn begin(&mut self, key: &K, ticket: u64) {
        self.served += 1;
        let served_at = self.served;
        self.change(key, |turn| {
            turn.tickets.remove(&ticket);
            turn.running += 1;
            turn.served_at = served_at;
        });
    }

    fn end(&mut self, key: &K) {
        self.change(key, |turn| turn.running = turn.running.saturating_sub(1));
    }

    fn next(&self) -> Option<u64> {
        self.order.first().map(|(_, ticket, _)| *ticket)
    }

    /// The last ticket of who has the most, and how many that are.
    fn last_of_longest(&self) -> Option<(u64, usize)> {
        let turns = self.of.values();
        let longest = turns.max_by_key(|turn| turn.tickets.len())?;
        Some((*longest.tickets.last()?, longest.tickets.len()))
    }

    /// Changes what is known of a key. One that has nothing in the line and nothing running is forgotten, and comes first
    /// the next time.
    fn change(&mut self, key: &K, change: impl FnOnce(&mut Turn)) {
        let turn = self.of.entry(key.clone()).or_default();
        if let Some(first) = turn.tickets.first() {
            self.order.remove(&(turn.served_at, *first, key.clone()));
        }
        change(turn);
        match turn.tickets.first() {
            Some(first) => {
                self.order.insert((turn.served_at, *first, key.clone()));
            }
            None if turn.running == 0 => {
                self.of.remove(key);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker(source: &str, name: &str) -> Asker {
        Asker::new(source.parse().unwrap(), name)
    }

    /// Takes `count` checks, each of which ends before the next begins.
    fn serve(queue: &mut Queue<&'static str>, count: usize) -> Vec<&'static str> {
        let served = (0..count).map_while(|_| {
            let (asker, check) = queue.pop()?;
            queue.done(&asker);
            Some(check)
        });
        served.collect()
    }

    #[test]
    fn a_source_is_an_ipv4_address_or_an_ipv6_network_of_64_bits() {
        let same = |one: &str, other: &str| asker(one, "x") == asker(other, "x");
        assert!(same("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
        assert!(same("192.0.2.1", "::ffff:192.0.2.1"));
        let endless = |letter: &str| asker("192.0.2.1", &letter.repeat(100_000));
        assert!(
            endless("a") == endless("b"),
            "nobody's name fills the memory"
        );
    }

    #[test]
    fn who_comes_while_one_source_asks_for_one_name_very_often_is_next() {
        let mut queue = Queue::new(100);
        for _ in 0..15 {
            queue.push(asker("192.0.2.1", "alice"), "guess").unwrap();
        }
        let (running, _) = queue.pop().unwrap();
        queue.push(asker("192.0.2.2", "bob"), "bob").unwrap();
        queue.done(&running);
        assert_eq!(serve(&mut queue, 1), ["bob"]);
    }

    #[test]
    fn a_source_with_many_names_waits_behind_itself() {
        let mut queue = Queue::new(100);
        for number in 0..15 {
            let name = format!("name{number}");
            queue.push(asker("192.0.2.1", &name), "guess").unwrap();
        }
        let (running, _) = queue.pop().unwrap();
        queue.push(asker("192.0.2.2", "bob"), "bob").unwrap();
        queue.done(&running);
        assert!(serve(&mut queue, 2).contains(&"bob"));
    }

    #[test]
    fn a_name_that_many_sources_ask_for_waits_behind_itself() {
        let mut queue = Queue::new(100);
        for number in 1..16 {
            let source = format!("198.51.100.{number}");
            queue.push(asker(&source, "alice"), "guess").unwrap();
        }
        let (running, _) = queue.pop().unwrap();
        queue.push(asker("192.0.2.2", "bob"), "bob").unwrap();
        queue.done(&running);
        assert!(serve(&mut queue, 2).contains(&"bob"));
    }

    #[test]
    fn the_owner_of_a_name_under_attack_gets_in_from_an_address_of_the_owners_own() {
        let mut queue = Queue::new(100);
        for _ in 0..15 {
            queue.push(asker("192.0.2.1", "alice"), "guess").unwrap();
        }
        let (running, _) = queue.pop().unwrap();
        queue.push(asker("192.0.2.2", "alice"), "owner").unwrap();
        queue.done(&running);
        assert!(serve(&mut queue, 2).contains(&"owner"));
    }

    #[test]
    fn two_who_ask_often_take_turns_and_each_of_them_in_order() {
        let mut queue = Queue::new(100);
        for check in ["a1", "a2", "a3"] {
            queue.push(asker("192.0.2.1", "a"), check).unwrap();
        }
        for check in ["b1", "b2", "b3"] {
            queue.push(asker("192.0.2.2", "b"), check).unwrap();
        }
        let served = serve(&mut queue, 10);
        assert_eq!(served, ["a1", "b1", "a2", "b2", "a3", "b3"]);
        assert!(queue.sources.of.is_empty() && queue.names.of.is_empty());
        assert!(queue.sources.order.is_empty() && queue.names.order.is_empty());
    }

    #[test]
    fn a_full_line_takes_others_in_the_place_of_who_has_most_and_nobody_more_of_that_one() {
        let mut queue = Queue::new(4);
        for check in ["a1", "a2", "a3", "a4"] {
            assert_eq!(queue.push(asker("192.0.2.1", "x"), check).unwrap().1, None);
        }
        let refused = queue.push(asker("192.0.2.1", "y"), "a5");
        assert_eq!(refused, Err(Full));
        let (_, dropped) = queue.push(asker("192.0.2.2", "x"), "b1").unwrap();
        assert_eq!(dropped, Some("a4"));
        let (_, dropped) = queue.push(asker("192.0.2.3", "x"), "c1").unwrap();
        assert_eq!(dropped, Some("a3"));
        assert_eq!(
            queue.push(asker("192.0.2.4", "x"), "d1").unwrap().1,
            Some("a2")
        );
        assert_eq!(queue.push(asker("192.0.2.5", "x"), "e1"), Err(Full));
        assert_eq!(serve(&mut queue, 10), ["a1", "b1", "c1", "d1"]);
    }

    #[test]
    fn who_has_gone_is_out_of_the_line() {
        let mut queue = Queue::new(2);
        let (ticket, _) = queue.push(asker("192.0.2.1", "x"), "a1").unwrap();
        queue.push(asker("192.0.2.1", "x"), "a2").unwrap();
        assert_eq!(queue.remove(ticket), Some("a1"));
        assert_eq!(queue.remove(ticket), None);
        queue.push(asker("192.0.2.1", "x"), "a3").unwrap();
        assert_eq!(serve(&mut queue, 10), ["a2", "a3"]);
    }
}
