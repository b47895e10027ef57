//! What was seen, and whether it stayed flat.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    crowd::Done,
    in_directory, plot,
    sample::{FIGURES, Sample},
};
use crate::{
    report::table::{aligned, number},
    say,
};

/// What the last part may have more of than the first: figures go up and down with who is there.
const TOLERANCE: f64 = 1.10;
/// Of the whole time, what is left out at the beginning, until all have come.
const WARM_UP: f64 = 0.2;
/// Of the whole time, what is compared at either end.
const PART: f64 = 0.2;

/// When the server was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Before,
    Meanwhile,
    Afterwards,
}

pub(super) struct Report {
    machine: Value,
    load_before: String,
    load_after: String,
    sessions: usize,
    samples: Vec<(When, Sample)>,
    done: Done,
}

/// One figure over the time.
struct Course {
    name: &'static str,
    before: f64,
    first: f64,
    last: f64,
    highest: f64,
    afterwards: f64,
    /// How many times as many connections there were in the last part as in the first, where that matters.
    crowd: f64,
}

impl Course {
    fn is_flat(&self) -> bool {
        let expected = self.first * self.crowd;
        // One more of few is no growth.
        self.last <= (expected * TOLERANCE).max(expected + 2.0)
    }
}

impl Report {
    pub(super) fn new(machine: Value, load_before: String, sessions: usize) -> Self {
        Self {
            machine,
            load_before,
            load_after: String::new(),
            sessions,
            samples: Vec::new(),
            done: Done::default(),
        }
    }

    pub(super) fn add(&mut self, when: When, sample: Sample) {
        self.samples.push((when, sample));
    }

    pub(super) fn tell(&mut self, done: Done) {
        self.done = done;
    }

    pub(super) fn finish(&mut self, load: String) {
        self.load_after = load;
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        let is_flat = self.courses().iter().all(Course::is_flat);
        if is_flat && self.done.failures.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn meanwhile(&self) -> Vec<Sample> {
        let meanwhile = self
            .samples
            .iter()
            .filter(|(when, _)| *when == When::Meanwhile);
        meanwhile.map(|(_, sample)| *sample).collect()
    }

    fn courses(&self) -> Vec<Course> {
        let meanwhile = self.meanwhile();
        let length = meanwhile.last().map_or(0.0, |last| last.at.as_secs_f64());
        let mean = |from: f64, to: f64, of: fn(&Sample) -> f64| {
            let within = |sample: &&Sample| {
                let at = sample.at.as_secs_f64();
                at >= length * from && at <= length * to
            };
            let values: Vec<f64> = meanwhile.iter().filter(within).map(of).collect();
            values.iter().sum::<f64>() / values.len().max(1) as f64
        };
        let at = |wanted: When, of: fn(&Sample) -> f64| {
            let found = self.samples.iter().find(|(when, _)| *when == wanted);
            found.map_or(0.0, |(_, sample)| of(sample))
        };
        let first = |of| mean(WARM_UP, WARM_UP + PART, of);
        let last = |of| mean(1.0 - PART, 1.0, of);
        let connections: fn(&Sample) -> f64 = |sample| sample.connections as f64;
        let crowd = (last(connections) / first(connections)).max(1.0);
        FIGURES
            .into_iter()
            .map(|figure| Course {
                name: figure.name,
                before: at(When::Before, figure.of),
                first: first(figure.of),
                last: last(figure.of),
                highest: meanwhile.iter().map(figure.of).fold(0.0, f64::max),
                afterwards: at(When::Afterwards, figure.of),
                crowd: if figure.is_of_connections { crowd } else { 1.0 },
            })
            .collect()
    }

    fn table(&self) -> String {
        let mut rows = vec![
            [
                "",
                "before",
                "first fifth",
                "last fifth",
                "highest",
                "afterwards",
                "",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        for course in self.courses() {
            let figures = [
                course.before,
                course.first,
                course.last,
                course.highest,
                course.afterwards,
            ];
            let mut row = vec![course.name.to_owned()];
            row.extend(figures.map(number));
            row.push(if course.is_flat() { "flat" } else { "GROWS" }.to_owned());
            rows.push(row);
        }
        aligned(&rows)
    }

    fn text(&self) -> String {
        let length = self
            .meanwhile()
            .last()
            .map_or(Duration::ZERO, |last| last.at);
        let mut text = format!(
            "{} sessions at once for {} minutes; load {} before, {} afterwards\n\n{}\n",
            self.sessions,
            length.as_secs() / 60,
            self.load_before,
            self.load_after,
            self.table()
        );
        for (deed, count) in &self.done.counts {
            let _ = writeln!(text, "{count} {deed}");
        }
        let _ = writeln!(text, "{} failures", self.done.failures.len());
        for failure in self.done.failures.iter().take(20) {
            let _ = writeln!(text, "  {failure}");
        }
        text
    }

    fn json(&self) -> Value {
        let samples = self.samples.iter().map(|(_, sample)| {
            let figures =
                FIGURES.map(|figure| (figure.name.to_owned(), (figure.of)(sample).into()));
            let mut values: serde_json::Map<String, Value> = figures.into_iter().collect();
            values.insert("seconds".to_owned(), sample.at.as_secs().into());
            Value::Object(values)
        });
        json!({
            "machine": self.machine, "sessions": self.sessions, "samples": samples.collect::<Vec<_>>(),
            "done": self.done.counts, "failures": self.done.failures,
        })
    }

    pub(super) fn write(&self, directory: &Path) -> Result<()> {
        let text = self.text();
        io::stdout().write_all(text.as_bytes())?;
        fs::write(in_directory(directory, "soak.txt")?, text)?;
        fs::write(
            in_directory(directory, "soak.json")?,
            self.json().to_string(),
        )?;
        let plot = plot::render(&self.meanwhile());
        fs::write(in_directory(directory, "soak.svg")?, plot)?;
        say(&format!("written to {}", directory.display()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(memory: impl Fn(u64) -> u64) -> Report {
        let mut report = Report::new(Value::Null, String::new(), 1);
        for minute in 1..=100 {
            let sample = Sample {
                at: Duration::from_secs(minute * 60),
                memory: memory(minute) << 20,
                ..Sample::default()
            };
            report.add(When::Meanwhile, sample);
        }
        report
    }

    #[test]
    fn what_comes_and_goes_is_flat_and_what_stays_is_not() {
        let is_flat = |report: Report| report.courses().iter().all(Course::is_flat);
        assert!(is_flat(report(|minute| 50 + minute % 7)));
        // Until all have come it grows.
        assert!(is_flat(report(|minute| 50 + minute.min(15))));
        assert!(!is_flat(report(|minute| 50 + minute / 5)));
    }

    #[test]
    fn what_each_connection_takes_may_grow_with_them_and_no_more() {
        let with = |threads_each: fn(u64) -> usize| {
            let mut report = Report::new(Value::Null, String::new(), 1);
            for minute in 1..=100 {
                let connections = usize::try_from(100 + minute).unwrap();
                report.add(
                    When::Meanwhile,
                    Sample {
                        at: Duration::from_secs(minute * 60),
                        connections,
                        threads: connections * threads_each(minute),
                        ..Sample::default()
                    },
                );
            }
            report.courses().iter().all(Course::is_flat)
        };
        assert!(with(|_| 1));
        assert!(!with(|minute| if minute > 50 { 2 } else { 1 }));
    }

    #[test]
    fn a_failure_is_told_and_is_no_success() {
        let mut report = report(|_| 50);
        assert_eq!(report.exit_code(), ExitCode::SUCCESS);
        report.done.failures.push("scp: gone".to_owned());
        assert_eq!(report.exit_code(), ExitCode::FAILURE);
        assert!(report.text().contains("1 failures\n  scp: gone\n"));
    }
}
