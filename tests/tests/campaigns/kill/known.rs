//! What is known of something that is changed until the server is killed.

/// What is known of something: as it was acknowledged, and as it is if what was under way was done.
#[derive(Clone, Debug)]
pub(super) struct Known<T> {
    pub(super) acknowledged: T,
    under_way: Option<T>,
}

impl<T: PartialEq + Clone + std::fmt::Debug> Known<T> {
    pub(super) fn new(acknowledged: T) -> Self {
        Self {
            acknowledged,
            under_way: None,
        }
    }

    pub(super) fn begin(&mut self, next: T) {
        self.under_way = Some(next);
    }

    pub(super) fn done(&mut self) {
        self.acknowledged = self.under_way.take().expect("something was under way");
    }

    #[track_caller]
    pub(super) fn becomes(&mut self, now: T, what: &str) {
        let is_known = now == self.acknowledged || self.under_way.as_ref() == Some(&now);
        assert!(is_known, "{what}: {now:?} is neither of {self:?}");
        *self = Self::new(now);
    }
}
