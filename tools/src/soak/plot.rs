//! The plot: a line for each figure, over the time, from nothing to its highest value.

use std::fmt::Write;

use super::sample::{FIGURES, Figure, Sample};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 180.0;
const RIGHT: f64 = 20.0;
const HEIGHT: f64 = 110.0;
const LINE: f64 = 80.0;
const COLOUR: &str = "#2a6f97";

pub(super) fn render(samples: &[Sample]) -> String {
    let height = HEIGHT * FIGURES.len() as f64 + 30.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let end = samples
        .last()
        .map_or(1.0, |last| last.at.as_secs_f64().max(1.0));
    for (position, Figure { name, of, .. }) in FIGURES.into_iter().enumerate() {
        let bottom = HEIGHT * (position + 1) as f64;
        let highest = samples.iter().map(of).fold(0.0, f64::max);
        let scale = if highest > 0.0 { LINE / highest } else { 0.0 };
        let points: Vec<String> = samples
            .iter()
            .map(|sample| {
                let x = LEFT + sample.at.as_secs_f64() / end * (WIDTH - LEFT - RIGHT);
                format!("{x:.1},{:.1}", bottom - of(sample) * scale)
            })
            .collect();
        let _ = writeln!(
            svg,
            "<text x=\"10\" y=\"{:.1}\">{name}</text><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{highest:.1}</text>\
             <line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{bottom}\" y2=\"{bottom}\" stroke=\"#888\"/>\
             <polyline points=\"{}\" fill=\"none\" stroke=\"{COLOUR}\"/>",
            bottom - LINE / 2.0,
            LEFT - 6.0,
            bottom - LINE + 8.0,
            WIDTH - RIGHT,
            points.join(" "),
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{:.1}\">0</text><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{:.0} minutes</text>\n</svg>",
        height - 10.0,
        WIDTH - RIGHT,
        height - 10.0,
        end / 60.0
    );
    svg
}
