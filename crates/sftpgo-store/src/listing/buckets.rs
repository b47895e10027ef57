//! How many names lie between some of them: enough to tell where the name of any number is, nearly.

use sftpgo_core::provider::Order;

/// Names in order, cut into buckets. The bounds are where somebody cut once; whether those users still exist does not
/// matter, only that each bucket counts right.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Buckets {
    /// The first name that a bucket could have, in order. What is before the first of them is in the first bucket.
    bounds: Vec<String>,
    counts: Vec<usize>,
}

/// Where to begin to read, and how many names to pass over from there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// Going up, the least name to look at; going down, a name above all to look at. None is from the end.
    pub(super) bound: Option<String>,
    pub(super) skip: usize,
}

impl Buckets {
    /// Buckets of `size` names each, which begin with the names of `bounds`; the last has `in_last`.
    pub(super) fn new(bounds: Vec<String>, size: usize, in_last: usize) -> Self {
        let mut counts = vec![size; bounds.len()];
        if let Some(last) = counts.last_mut() {
            *last = in_last;
        }
        Self { bounds, counts }
    }

    /// A name came (1) or went (-1).
    pub(super) fn apply(&mut self, name: &str, delta: i32) {
        let above = self.bounds.partition_point(|bound| bound.as_str() <= name);
        if let Some(count) = self.counts.get_mut(above.saturating_sub(1)) {
            *count = count.saturating_add_signed(delta as isize);
        }
    }

    /// Where the page that begins after `offset` names begins; none when there are not so many.
    pub(super) fn start(&self, offset: usize, order: Order) -> Option<Start> {
        let total: usize = self.counts.iter().sum();
        let rank = match order {
            Order::Ascending => Some(offset).filter(|rank| *rank < total)?,
            Order::Descending => total.checked_sub(1)?.checked_sub(offset)?,
        };
        let mut before = 0;
        for (number, count) in self.counts.iter().enumerate() {
            let after = before + count;
            if rank < after {
                return Some(match order {
                    Order::Ascending => Start {
                        // Names before the first bound are the first bucket's too.
                        bound: self.bounds.get(number).filter(|_| number > 0).cloned(),
                        skip: rank - before,
                    },
                    Order::Descending => Start {
                        bound: self.bounds.get(number + 1).cloned(),
                        skip: after - 1 - rank,
                    },
                });
            }
            before = after;
        }
        None
    }

    /// Names in the largest bucket.
    pub(super) fn largest(&self) -> usize {
        self.counts.iter().copied().max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn cut(names: &BTreeSet<String>, size: usize) -> Buckets {
        let bounds: Vec<_> = names.iter().step_by(size).cloned().collect();
        let in_last = names.len() - bounds.len().saturating_sub(1) * size;
        Buckets::new(bounds, size, in_last)
    }

    fn nth(names: &BTreeSet<String>, start: &Start, order: Order) -> Option<String> {
        let mut names: Vec<_> = names.iter().cloned().collect();
        if let Some(bound) = &start.bound {
            names.retain(|name| match order {
                Order::Ascending => name >= bound,
                Order::Descending => name < bound,
            });
        }
        if order == Order::Descending {
            names.reverse();
        }
        names.get(start.skip).cloned()
    }

    fn check(names: &BTreeSet<String>, buckets: &Buckets) {
        for order in [Order::Ascending, Order::Descending] {
            let mut all: Vec<_> = names.iter().cloned().collect();
            if order == Order::Descending {
                all.reverse();
            }
            for (offset, name) in all.iter().enumerate() {
                let start = buckets.start(offset, order).unwrap();
                assert!(start.skip < buckets.largest());
                assert_eq!(
                    nth(names, &start, order).as_ref(),
                    Some(name),
                    "{offset} {order:?}"
                );
            }
            assert_eq!(buckets.start(all.len(), order), None);
        }
    }

    #[test]
    fn every_name_is_found_whoever_comes_and_goes() {
        let mut names: BTreeSet<String> = (10..60).map(|number| format!("u{number}")).collect();
        for size in [1, 7, 50, 80] {
            let mut buckets = cut(&names, size);
            check(&names, &buckets);
            // Before all, between, after all, and those that bounds were cut at.
            for name in ["a", "u10", "u101", "u17", "u171", "u59", "z", "zz"] {
                let delta = if names.remove(name) { -1 } else { 1 };
                if delta > 0 {
                    names.insert(name.to_owned());
                }
                buckets.apply(name, delta);
                check(&names, &buckets);
            }
        }
    }

    #[test]
    fn without_names_there_is_nowhere_to_begin() {
        let mut buckets = cut(&BTreeSet::new(), 5);
        assert_eq!(buckets.start(0, Order::Ascending), None);
        assert_eq!(buckets.start(0, Order::Descending), None);
        buckets.apply("nobody", -1);
        assert_eq!(buckets, Buckets::default());
    }
}
