//! Matches of a query's tokens for people: cells of `token -> match 0.83` in columns, in the query's order.

use console::{Alignment, measure_text_width, pad_str};
use nearsay::search::TokenMatch;

use super::passage::fitted;
use crate::style::Style;
use crate::table::visible;
use crate::terminal::Stream;

/// Widest token that is shown whole, and on narrow terminals.
const TOKEN_WIDTHS: [usize; 2] = [20, 5];
/// Blanks between two columns.
const GAP: usize = 3;
/// Width of a cell besides its parts.
const BETWEEN: usize = " ->  ".len();
/// Width of a cosine below 0.
const COSINE: usize = "-0.83".len();

/// A match as it is shown.
#[derive(Debug, Clone, PartialEq)]
struct Cell {
    token: String,
    matched: String,
    cosine: String,
}

impl Cell {
    /// With tokens of at most `width`.
    fn of(found: &TokenMatch, width: usize) -> Self {
        let short = |token: &str| fitted(&visible(token.trim()), width);
        Self {
            token: short(&found.token),
            matched: short(&found.matched),
            cosine: format!("{:.2}", found.cosine),
        }
    }

    /// `bread -> Bread 0.83`, with the parts as wide as in the column.
    fn text(&self, widths: &[usize; 3]) -> String {
        let token = pad_str(&self.token, widths[0], Alignment::Right, None);
        let matched = pad_str(&self.matched, widths[1], Alignment::Left, None);
        let cosine = pad_str(&self.cosine, widths[2], Alignment::Right, None);
        format!("{token} -> {matched} {}", Stream::Stdout.paint(Style::Dim, &cosine))
    }
}

/// The lines of a hit's matches, at most `width` wide unless a single one is wider.
pub(super) fn lines(explanation: &[TokenMatch], width: usize) -> Vec<String> {
    let [most, least] = TOKEN_WIDTHS;
    let token_width = (width.saturating_sub(BETWEEN + COSINE) / 2).clamp(least, most);
    let cells: Vec<Cell> = explanation.iter().map(|found| Cell::of(found, token_width)).collect();
    in_columns(&cells, width)
}

/// The lines of cells in as many columns as fit.
fn in_columns(cells: &[Cell], width: usize) -> Vec<String> {
    let part = |part: &dyn Fn(&Cell) -> &str| {
        cells.iter().map(|cell| measure_text_width(part(cell))).max().unwrap_or(0)
    };
    let widths = [part(&|cell| &cell.token), part(&|cell| &cell.matched), part(&|cell| &cell.cosine)];
    let own: usize = widths.iter().sum::<usize>() + BETWEEN;
    let columns = ((width + GAP) / (own + GAP)).max(1);
    let line = |cells: &[Cell]| {
        let texts: Vec<String> = cells.iter().map(|cell| cell.text(&widths)).collect();
        texts.join(&" ".repeat(GAP))
    };
    cells.chunks(columns).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(token: &str, matched: &str, cosine: f32) -> Cell {
        Cell { token: token.to_owned(), matched: matched.to_owned(), cosine: format!("{cosine:.2}") }
    }

    #[test]
    fn parts_are_in_columns_by_their_width_on_the_screen() {
        let cells = [cell("buy", "sold", 0.5754), cell("数学", "In", -0.1)];
        let shown = in_columns(&cells, 40);
        assert_eq!(shown, [" buy -> sold  0.58   数学 -> In   -0.10"]);
        assert_eq!(in_columns(&cells, 20), [" buy -> sold  0.58", "数学 -> In   -0.10"]);
        assert_eq!(in_columns(&cells, 1).len(), 2);
        assert!(in_columns(&[], 80).is_empty());
    }
}
