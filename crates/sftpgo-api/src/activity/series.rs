//! Figures of each minute of the last day.

/// A day.
const MINUTES: usize = 24 * 60;
const MINUTE: i64 = 60_000;

/// What happened in a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) struct Figures {
    /// The number of bytes.
    pub(in super::super) uploaded: u64,
    /// The number of bytes.
    pub(in super::super) downloaded: u64,
    pub(in super::super) logins: u64,
    pub(in super::super) failures: u64,
    /// Actions: programs and URLs that did not do what they were to do.
    pub(in super::super) failed_actions: u64,
}

/// The figures of the minutes of a day, each in the place of the one a day before.
pub(in super::super) struct Series(Vec<(i64, Figures)>);

impl Default for Series {
    fn default() -> Self {
        Self(vec![(i64::MIN, Figures::default()); MINUTES])
    }
}

impl Series {
    /// Counts something at a time in Unix milliseconds.
    pub(super) fn at(&mut self, time: i64, count: impl FnOnce(&mut Figures)) {
        let minute = time.div_euclid(MINUTE);
        let Some((of, figures)) = self.0.get_mut(place(minute)) else {
            return;
        };
        if *of < minute {
            (*of, *figures) = (minute, Figures::default());
        }
        // Something of a day ago comes too late.
        if *of == minute {
            count(figures);
        }
    }

    /// Counts bytes that moved from one time to another, as if they had moved evenly.
    pub(super) fn moved(&mut self, is_upload: bool, bytes: u64, from: i64, to: i64) {
        let mut add = |time, part: u64| {
            self.at(time, |figures| {
                let figure = if is_upload {
                    &mut figures.uploaded
                } else {
                    &mut figures.downloaded
                };
                *figure = figure.saturating_add(part);
            });
        };
        let last = to.div_euclid(MINUTE);
        let whole = to.saturating_sub(from).max(1);
        let oldest = last - MINUTES as i64 + 1;
        let mut left = bytes;
        for minute in from.div_euclid(MINUTE).max(oldest)..last {
            let start = from.max(minute * MINUTE);
            let inside = (minute + 1) * MINUTE - start;
            let part = i128::from(bytes) * i128::from(inside) / i128::from(whole);
            let part = u64::try_from(part).unwrap_or(0).min(left);
            left -= part;
            add(minute * MINUTE, part);
        }
        // Of a longer transfer than a day the part before is not here.
        let before = (oldest * MINUTE).saturating_sub(from).max(0);
        let gone = i128::from(bytes) * i128::from(before) / i128::from(whole);
        let gone = u64::try_from(gone).unwrap_or(0);
        add(to, left.saturating_sub(gone));
    }

    /// The last `count` steps of so many minutes, the oldest first; the last one ends with the minute of `now`.
    pub(super) fn last(&self, now: i64, count: usize, minutes: usize) -> Vec<Figures> {
        let last = now.div_euclid(MINUTE);
        let steps = (0..count).rev().map(|step| {
            let ends = last - (step * minutes) as i64;
            let of_step = (0..minutes).map(|minute| self.minute(ends - minute as i64));
            of_step.fold(Figures::default(), Figures::plus)
        });
        steps.collect()
    }

    fn minute(&self, minute: i64) -> Figures {
        let found = self.0.get(place(minute)).filter(|(of, _)| *of == minute);
        found.map_or_else(Figures::default, |(_, figures)| *figures)
    }
}

impl Figures {
    fn plus(self, other: Self) -> Self {
        Self {
            uploaded: self.uploaded.saturating_add(other.uploaded),
            downloaded: self.downloaded.saturating_add(other.downloaded),
            logins: self.logins + other.logins,
            failures: self.failures + other.failures,
            failed_actions: self.failed_actions + other.failed_actions,
        }
    }
}

fn place(minute: i64) -> usize {
    usize::try_from(minute.rem_euclid(MINUTES as i64)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    #[test]
    fn what_is_a_day_old_is_gone() {
        let mut series = Series::default();
        series.at(NOW, |figures| figures.logins += 1);
        let logins = |series: &Series, now| -> u64 {
            let last = series.last(now, 1440, 1);
            last.iter().map(|figures| figures.logins).sum()
        };
        assert_eq!(logins(&series, NOW), 1);
        assert_eq!(logins(&series, NOW + 1439 * MINUTE), 1);
        assert_eq!(logins(&series, NOW + 1440 * MINUTE), 0);
        series.at(NOW + 1440 * MINUTE, |figures| figures.logins += 5);
        series.at(NOW, |figures| figures.logins += 1);
        assert_eq!(logins(&series, NOW + 1440 * MINUTE), 5);
    }

    #[test]
    fn bytes_are_spread_over_the_time_that_they_took() {
        let start = NOW.div_euclid(MINUTE) * MINUTE;
        let mut series = Series::default();
        series.moved(true, 300, start + 30_000, start + 3 * MINUTE + 30_000);
        let last = series.last(start + 3 * MINUTE, 4, 1);
        let uploaded: Vec<_> = last.iter().map(|figures| figures.uploaded).collect();
        assert_eq!(uploaded, [50, 100, 100, 50]);
        let all = series.last(start + 3 * MINUTE, 1, 15);
        assert_eq!(all[0].uploaded, 300);
    }

    #[test]
    fn a_transfer_of_days_counts_for_the_day() {
        let mut series = Series::default();
        series.moved(false, 2_000_000, NOW - 2 * 1440 * MINUTE, NOW);
        let day: u64 = series
            .last(NOW, 1440, 1)
            .iter()
            .map(|figures| figures.downloaded)
            .sum();
        assert!((990_000..=1_010_000).contains(&day), "{day}");
    }
}
