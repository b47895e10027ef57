//! The plot: a bar for each figure, as long as its ratio, with a line where both servers are equal.

use std::fmt::Write;

use super::Report;

const TEXT_WIDTH: usize = 420;
const BAR_WIDTH: f64 = 400.0;
const LINE: usize = 20;
const TOP: usize = 50;
const WIDTH: usize = 900;
/// The longest bar; more than this is cut, its number tells.
const LONGEST: f64 = 2.0;
const BETTER: &str = "#2a7f4f";
const WORSE: &str = "#b5472f";

pub(super) fn render(report: &Report) -> String {
    let rows = report
        .rows
        .iter()
        .filter_map(|row| Some((row, report.ratio(row)?)));
    let rows: Vec<_> = rows.collect();
    let height = TOP + LINE * (rows.len() + 1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let names: Vec<_> = report
        .servers
        .iter()
        .map(|server| escaped(&server.name))
        .take(2)
        .collect();
    let title = format!(
        "{}: less is better, the line is where both are equal",
        names.join(" / ")
    );
    let _ = writeln!(
        svg,
        "<text x=\"10\" y=\"24\" font-size=\"15\">{title}</text>"
    );
    for (position, (row, ratio)) in rows.iter().enumerate() {
        let y = TOP + LINE * position;
        let (base, length) = (y + 11, ratio.min(LONGEST) / LONGEST * BAR_WIDTH);
        let colour = if *ratio <= 1.0 { BETTER } else { WORSE };
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{base}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{TEXT_WIDTH}\" y=\"{y}\" width=\"{length:.1}\" height=\"14\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{base}\">{ratio:.2}</text>",
            TEXT_WIDTH - 8,
            escaped(&row.title),
            TEXT_WIDTH as f64 + length + 5.0,
        );
    }
    let equal = TEXT_WIDTH as f64 + BAR_WIDTH / LONGEST;
    let _ = writeln!(
        svg,
        "<line x1=\"{equal}\" x2=\"{equal}\" y1=\"{}\" y2=\"{}\" stroke=\"black\" stroke-dasharray=\"4 3\"/>\n</svg>",
        TOP - 8,
        height - LINE
    );
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_ratio() {
        let svg = render(&example());
        assert!(svg.contains(">a&lt;b down: CPU</text>"), "{svg}");
        assert!(
            svg.contains("width=\"100.0\" height=\"14\" fill=\"#2a7f4f\""),
            "{svg}"
        );
        assert!(svg.contains(">0.50</text>"), "{svg}");
        assert!(svg.ends_with("</svg>\n"));
    }
}
