//! Tables as text: pure, with every cell made safe for a terminal.

use unicode_width::UnicodeWidthStr;

use crate::values::text::visible;

const GAP: &str = "  ";

/// Rows under headings.
pub(crate) struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self {
            headings: headings.map(str::to_owned).to_vec(),
            rows: Vec::new(),
        }
    }

    /// A row needs as many cells as there are headings.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.headings.len());
        self.rows.push(cells.map(|cell| shown(&cell)).to_vec());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn render(&self) -> String {
        let lines: Vec<&[String]> = std::iter::once(&self.headings)
            .chain(&self.rows)
            .map(Vec::as_slice)
            .collect();
        aligned(&lines)
    }
}

/// Names and values of one thing, one a line.
pub(crate) fn fields<const N: usize>(fields: [(&str, String); N]) -> String {
    let rows: Vec<Vec<String>> = fields
        .into_iter()
        .map(|(name, value)| vec![name.to_owned(), shown(&value)])
        .collect();
    let lines: Vec<&[String]> = rows.iter().map(Vec::as_slice).collect();
    aligned(&lines)
}

/// An empty cell would shift what scripts split at blanks.
fn shown(cell: &str) -> String {
    if cell.is_empty() {
        "-".to_owned()
    } else {
        visible(cell)
    }
}

fn aligned(lines: &[&[String]]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for line in lines {
        widths.resize(widths.len().max(line.len()), 0);
        for (width, cell) in widths.iter_mut().zip(*line) {
            *width = (*width).max(cell.width());
        }
    }
    let mut text = String::new();
    for line in lines {
        let mut padding = 0;
        for (width, cell) in widths.iter().zip(*line) {
            // Before the next cell, so that no line ends in blanks.
            text.extend(std::iter::repeat_n(' ', padding));
            text.push_str(cell);
            padding = width - cell.width() + GAP.len();
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_what_is_seen() {
        let mut table = Table::new(["USER", "HOME"]);
        table.row(["bob".to_owned(), "/srv/bob".to_owned()]);
        table.row(["写真 é".to_owned(), String::new()]);
        assert_eq!(
            table.render(),
            "USER    HOME\nbob     /srv/bob\n写真 é  -\n"
        );
    }

    #[test]
    fn names_cannot_draw() {
        let text = fields([("name", "a\u{1b}[2J".to_owned()), ("id", "1".to_owned())]);
        assert_eq!(text, "name  a\\u{1b}[2J\nid    1\n");
    }
}
