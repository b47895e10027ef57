//! The table for people.

use std::fmt::Write;

use super::{Report, Row, Summary};

pub(super) fn render(report: &Report) -> String {
    let mut head = vec!["work".to_owned(), "unit".to_owned()];
    for server in &report.servers {
        head.extend([server.name.clone(), "min–max".to_owned()]);
    }
    head.push("ratio".to_owned());
    let mut lines = vec![head];
    lines.extend(report.rows.iter().map(|row| cells(report, row)));

    let mut text = aligned(&lines);
    for server in &report.servers {
        let _ = writeln!(
            text,
            "{} is {}; CPU time by {}",
            server.name, server.banner, server.accounting
        );
    }
    let _ = writeln!(
        text,
        "Medians of {} rounds in turn, but for what was measured once; less is better. Load before {}, after {}.",
        report.rounds, report.load_before, report.load_after
    );
    if let [ours, theirs, ..] = report.servers.as_slice() {
        let _ = writeln!(text, "Ratio: {} / {}.", ours.name, theirs.name);
    }
    for note in &report.notes {
        let _ = writeln!(text, "Note: {note}");
    }
    text
}

fn cells(report: &Report, row: &Row) -> Vec<String> {
    let mut cells = vec![row.title.clone(), row.unit.to_owned()];
    for server in &report.servers {
        let summary = row
            .values
            .get(&server.name)
            .and_then(|values| Summary::of(values));
        cells.extend(match summary {
            Some(it) => [
                number(it.median),
                if it.count == 1 {
                    "once".to_owned()
                } else {
                    format!("{}–{}", number(it.min), number(it.max))
                },
            ],
            None => ["–".to_owned(), String::new()],
        });
    }
    cells.push(
        report
            .ratio(row)
            .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}")),
    );
    cells
}

/// Three digits that count, in the sizes that occur here.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

/// The first two columns to the left, numbers to the right.
pub(crate) fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let mut shown = String::new();
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(shown, "{cell:<width$}"),
                1 => write!(shown, "  {cell:<width$}"),
                _ => write!(shown, "  {cell:>width$}"),
            };
        }
        text += shown.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn what_was_measured_once_is_no_median() {
        let mut report = example();
        for values in report.rows[0].values.values_mut() {
            values.truncate(1);
        }
        let table = render(&report);
        assert!(
            table.contains("a<b down: CPU  s/GiB  1.00     once     4.00     once   0.25"),
            "{table}"
        );
    }

    #[test]
    fn columns_are_straight_and_figures_in_place() {
        let table = render(&example());
        let mut lines = table.lines();
        assert_eq!(
            lines.next(),
            Some("work           unit   ours    min–max  OpenSSH    min–max  ratio")
        );
        assert_eq!(
            lines.next(),
            Some("a<b down: CPU  s/GiB  2.00  1.00–3.00     4.00  4.00–5.00   0.50")
        );
        assert!(table.contains("Ratio: ours / OpenSSH."));
        assert!(table.contains("Load before 0.10 0.20 0.30, after 1.00 1.00 1.00."));
    }
}
