//! An answer as a CSV file: labels, and figures as people write them. Amounts are in major units, each currency in a column of its own.

use farley_domain::model::fault::Language;

use super::{
    answer::Report,
    layout::{Cell, Layout},
};
use crate::http::{csv_file::harmless, problem::Problem};

/// The answer as a CSV file: the rows and then the totals; a pivot table if one was asked for.
pub fn csv(report: &Report, language: Language) -> Result<csv::Writer<Vec<u8>>, Problem> {
    let layout = Layout::of(report, language);
    let mut file = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    file.write_record(layout.header().into_iter().map(harmless)).map_err(Problem::internal)?;
    for line in layout.lines() {
        let cells =
            line.cells.into_iter().enumerate().map(|(place, cell)| if place < layout.names() { named(cell) } else { text(cell) });
        file.write_record(cells).map_err(Problem::internal)?;
    }
    Ok(file)
}

/// What names a row.
fn named(cell: Cell) -> String {
    harmless(text(cell))
}

fn text(cell: Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) | Cell::Day(_, text) | Cell::Month(_, text) | Cell::Time(_, text) => text,
        Cell::Integer(number) => number.to_string(),
        Cell::Decimal(number) | Cell::Share(number) => serde_json::json!(number).to_string(),
        Cell::Money(money) => money.to_decimal_string(),
    }
}
