//! What was measured with few and with many users, beside each other.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::store::Spent;
use crate::{
    machine,
    report::table::{aligned, number},
    say,
};

pub(super) struct Report {
    sizes: Vec<usize>,
    calls: usize,
    load_before: String,
    load_after: String,
    rows: Vec<Row>,
}

/// One call in one database.
pub(super) struct Row {
    pub(super) database: &'static str,
    pub(super) call: String,
    /// With each number of users.
    pub(super) figures: Vec<Figures>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    times: Vec<Duration>,
    server: Duration,
    database: Duration,
}

impl Figures {
    pub(super) fn add_times(&mut self, times: Vec<Duration>) {
        self.times.extend(times);
        self.times.sort_unstable();
    }

    pub(super) fn add_spent(&mut self, spent: Spent) {
        self.server += spent.server.total();
        self.database += spent.database.total();
    }

    /// The time that this part of the calls did not take longer than, in milliseconds.
    fn percentile(&self, percent: usize) -> f64 {
        let position = (self.times.len() * percent / 100).min(self.times.len().saturating_sub(1));
        ms(self.times.get(position).copied().unwrap_or_default())
    }

    fn each(&self, spent: Duration) -> f64 {
        ms(spent) / self.times.len().max(1) as f64
    }

    fn cpu(&self) -> f64 {
        self.each(self.server + self.database)
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl Row {
    /// How many times as much it is with the most users as with the fewest.
    fn ratio(&self, figure: impl Fn(&Figures) -> f64) -> Option<f64> {
        let (few, many) = (self.figures.first()?, self.figures.last()?);
        let few = figure(few);
        (few > 0.0).then(|| figure(many) / few)
    }
}

impl Report {
    pub(super) fn new(sizes: Vec<usize>, calls: usize, load_before: String) -> Self {
        Self {
            sizes,
            calls,
            load_before,
            load_after: String::new(),
            rows: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(super) fn finish(&mut self, load: String) {
        self.load_after = load;
    }

    /// Prints the table, and writes it with JSON to a directory.
    pub(super) fn write(&self, directory: &Path) -> Result<()> {
        let table = self.table();
        write!(io::stdout(), "{table}")?;
        fs::create_dir_all(directory).with_context(|| format!("{}", directory.display()))?;
        fs::write(directory.join("scale.txt"), &table)?;
        let json = serde_json::to_string_pretty(&self.json())? + "\n";
        fs::write(directory.join("scale.json"), json)?;
        say(&format!(
            "written to {}: scale.txt, scale.json",
            directory.display()
        ));
        Ok(())
    }

    fn table(&self) -> String {
        let mut head = vec!["database".to_owned(), "call".to_owned()];
        for size in &self.sizes {
            head.push(format!("{size}: median"));
            head.extend(["p99", "CPU", "database's"].map(str::to_owned));
        }
        head.extend(["ratio", "of CPU"].map(str::to_owned));
        let mut lines = vec![head];
        for row in &self.rows {
            let mut line = vec![row.database.to_owned(), row.call.clone()];
            for figures in &row.figures {
                line.extend(
                    [
                        figures.percentile(50),
                        figures.percentile(99),
                        figures.each(figures.server),
                        figures.each(figures.database),
                    ]
                    .map(number),
                );
            }
            for ratio in [
                row.ratio(|figures| figures.percentile(50)),
                row.ratio(Figures::cpu),
            ] {
                line.push(ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}")));
            }
            lines.push(line);
        }
        let mut text = aligned(&lines);
        let _ = writeln!(
            text,
            "Milliseconds for each of {} calls in turn; CPU is our server's and the database server's. Ratio: most \
             users / fewest, of medians and of both servers' CPU. Load before {}, after {}.",
            self.calls, self.load_before, self.load_after
        );
        text
    }

    fn json(&self) -> Value {
        let figures = |(size, figures): (&usize, &Figures)| {
            json!({
                "users": size,
                "median_ms": figures.percentile(50),
                "p99_ms": figures.percentile(99),
                "server_cpu_ms": figures.each(figures.server),
                "database_cpu_ms": figures.each(figures.database),
            })
        };
        let row = |row: &Row| {
            json!({
                "database": row.database,
                "call": row.call,
                "figures": self.sizes.iter().zip(&row.figures).map(figures).collect::<Vec<_>>(),
                "ratio_of_medians": row.ratio(|figures| figures.percentile(50)),
                "ratio_of_cpu": row.ratio(Figures::cpu),
            })
        };
        json!({
            "machine": machine::describe(),
            "load": { "before": self.load_before, "after": self.load_after },
            "calls": self.calls,
            "results": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(milliseconds: &[u64], cpu: u64) -> Figures {
        let mut figures = Figures::default();
        figures.add_times(
            milliseconds
                .iter()
                .map(|&time| Duration::from_millis(time))
                .collect(),
        );
        figures.server = Duration::from_millis(cpu);
        figures
    }

    #[test]
    fn many_users_stand_beside_few() {
        let mut report = Report::new(vec![10, 1000], 3, "1 2 3".to_owned());
        report.add(Row {
            database: "SQLite",
            call: "any page".to_owned(),
            figures: vec![figures(&[3, 1, 2], 6), figures(&[4, 9, 3], 18)],
        });
        let table = report.table();
        let row = table
            .lines()
            .nth(1)
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>();
        assert_eq!(
            row,
            [
                "SQLite", "any", "page", "2.00", "3.00", "2.00", "0.000", "4.00", "9.00", "6.00",
                "0.000", "2.00", "3.00"
            ]
        );
        assert_eq!(report.json()["results"][0]["figures"][1]["p99_ms"], 9.0);
    }

    #[test]
    fn the_hundredth_part_is_not_the_longest_of_many() {
        let times: Vec<_> = (1..=200).collect();
        assert_eq!(figures(&times, 0).percentile(99) as u64, 199);
    }
}
