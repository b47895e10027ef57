//! What was measured, and the ways to show it.

mod json;
mod svg;
pub(crate) mod table;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{say, servers::Server, work::Reading};

/// The figures of a run.
pub(crate) struct Report {
    machine: Value,
    load_before: String,
    load_after: String,
    rounds: u32,
    servers: Vec<Introduction>,
    rows: Vec<Row>,
    notes: Vec<String>,
    failures: usize,
}

struct Introduction {
    name: String,
    banner: String,
    accounting: &'static str,
}

/// One figure of all servers.
struct Row {
    title: String,
    unit: &'static str,
    /// The values of the rounds, by server.
    values: BTreeMap<String, Vec<f64>>,
}

/// The middle of several values, and how far they are apart.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Summary {
    median: f64,
    min: f64,
    max: f64,
    count: usize,
}

impl Report {
    pub(crate) fn new(machine: Value, load_before: String, rounds: u32) -> Self {
        Self {
            machine,
            load_before,
            load_after: String::new(),
            rounds,
            servers: Vec::new(),
            rows: Vec::new(),
            notes: Vec::new(),
            failures: 0,
        }
    }

    /// Says who takes part; the first one is compared with the second.
    pub(crate) fn introduce(&mut self, servers: &[Server]) {
        let introduce = |server: &Server| Introduction {
            name: server.name.clone(),
            banner: server.banner.clone(),
            accounting: server.processes.method(),
        };
        self.servers = servers.iter().map(introduce).collect();
    }

    pub(crate) fn add(&mut self, server: &str, readings: Vec<Reading>) {
        for reading in readings {
            let known = self.rows.iter().position(|row| row.title == reading.row);
            let position = known.unwrap_or_else(|| {
                self.rows.push(Row {
                    title: reading.row,
                    unit: reading.unit,
                    values: BTreeMap::new(),
                });
                self.rows.len() - 1
            });
            if let Some(row) = self.rows.get_mut(position) {
                row.values
                    .entry(server.to_owned())
                    .or_default()
                    .push(reading.value);
            }
        }
    }

    /// Tells now and in the report what the reader has to know.
    pub(crate) fn note(&mut self, note: &str) {
        say(note);
        self.notes.push(note.to_owned());
    }

    /// A server did not do its work; the others go on.
    pub(crate) fn fail(&mut self, server: &str, work: &str, error: &anyhow::Error) {
        self.failures += 1;
        self.note(&format!("{server} FAILED at {work}: {error:#}"));
    }

    pub(crate) fn finish(&mut self, load: String) {
        self.load_after = load;
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.failures == 0
    }

    /// How much of the second server's figure the first one has.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let of = |position: usize| {
            let server = self.servers.get(position)?;
            Some(Summary::of(row.values.get(&server.name)?)?.median)
        };
        let (ours, theirs) = (of(0)?, of(1)?);
        (theirs > 0.0).then(|| ours / theirs)
    }
}

impl Summary {
    fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle)?;
        let lower = if sorted.len().is_multiple_of(2) {
            *sorted.get(middle.checked_sub(1)?)?
        } else {
            upper
        };
        Some(Self {
            median: f64::midpoint(lower, upper),
            min: *sorted.first()?,
            max: *sorted.last()?,
            count: sorted.len(),
        })
    }
}

/// Prints the table and writes everything to a directory.
pub(crate) fn write(report: &Report, directory: &Path) -> Result<()> {
    let table = table::render(report);
    write!(io::stdout(), "{table}")?;
    fs::create_dir_all(directory).with_context(|| format!("{}", directory.display()))?;
    let put = |name: &str, text: &str| {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("{}", path.display()))
    };
    put("bench.txt", &table)?;
    put("bench.json", &json::render(report)?)?;
    put("bench.svg", &svg::render(report))?;
    say(&format!(
        "written to {}: bench.txt, bench.json, bench.svg",
        directory.display()
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn example() -> Report {
        let mut report = Report::new(Value::Null, "0.10 0.20 0.30".to_owned(), 3);
        let introduce = |name: &str| Introduction {
            name: name.to_owned(),
            banner: format!("{name}_1"),
            accounting: "cgroup",
        };
        report.servers = vec![introduce("ours"), introduce("OpenSSH")];
        for (server, values) in [("ours", [1.0, 3.0, 2.0]), ("OpenSSH", [4.0, 4.0, 5.0])] {
            for value in values {
                let reading = Reading {
                    row: "a<b down: CPU".to_owned(),
                    unit: "s/GiB",
                    value,
                };
                report.add(server, vec![reading]);
            }
        }
        report.finish("1.00 1.00 1.00".to_owned());
        report
    }

    #[test]
    fn the_median_is_the_middle_of_what_was_measured() {
        let summary = |values: &[f64]| Summary::of(values).map(|it| (it.median, it.min, it.max));
        assert_eq!(summary(&[]), None);
        assert_eq!(summary(&[7.0]), Some((7.0, 7.0, 7.0)));
        assert_eq!(summary(&[9.0, 1.0, 2.0]), Some((2.0, 1.0, 9.0)));
        assert_eq!(summary(&[4.0, 1.0, 2.0, 9.0]), Some((3.0, 1.0, 9.0)));
    }

    #[test]
    fn the_ratio_is_that_of_the_medians() {
        let report = example();
        assert_eq!(report.ratio(&report.rows[0]), Some(0.5));
    }

    #[test]
    fn a_server_without_a_figure_has_no_ratio() {
        let mut report = example();
        report.rows[0].values.remove("OpenSSH");
        assert_eq!(report.ratio(&report.rows[0]), None);
    }
}
