//! An answer as rows of a spreadsheet: labels, and figures as people write them. Amounts are in major units, each currency in a column of its own.

use std::collections::BTreeSet;

use farley_domain::{
    model::fault::Language,
    values::money::{Currency, Money},
};
use serde_json::{Map, Value};

use super::answer::{Report, ReportColumn, ReportRow};
use crate::http::{csv_file::harmless, problem::Problem};

/// A column of figures: the place of its measure among the columns, and its currency where there is one.
struct Figures<'a> {
    column: &'a ReportColumn,
    currency: Option<String>,
}

impl Figures<'_> {
    fn title(&self) -> String {
        match &self.currency {
            Some(currency) => format!("{} ({currency})", self.column.label),
            None => self.column.label.clone(),
        }
    }

    fn cell(&self, row: Option<&ReportRow>) -> String {
        let Some(value) = row.and_then(|row| row.values.get(&self.column.name)) else { return String::new() };
        let shown = match &self.currency {
            Some(code) => value.as_array().into_iter().flatten().find(|amount| amount["currency"] == **code).and_then(|amount| {
                let currency: Currency = code.parse().ok()?;
                Some(Money::new(amount["amount"].as_i64()?, currency).to_decimal_string())
            }),
            None => match value {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                number => Some(number.to_string()),
            },
        };
        shown.unwrap_or_default()
    }
}

/// The answer as a CSV file: the rows and then the totals; a pivot table if one was asked for.
pub fn csv(report: &Report, language: Language) -> Result<csv::Writer<Vec<u8>>, Problem> {
    let mut file = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let dimensions: Vec<&ReportColumn> = report.columns.iter().filter(|column| column.role == "dimension").collect();
    let figures = figures(report);
    let rows = match &report.pivot {
        None => long(report, &dimensions, &figures, language),
        Some(_) => pivoted(report, &dimensions, &figures, language),
    };
    for row in rows {
        file.write_record(row).map_err(Problem::internal)?;
    }
    Ok(file)
}

/// The columns of figures: of amounts one for each currency that there is.
fn figures(report: &Report) -> Vec<Figures<'_>> {
    let mut figures = Vec::new();
    for column in report.columns.iter().filter(|column| column.role == "measure") {
        if column.kind != "money" {
            figures.push(Figures { column, currency: None });
            continue;
        }
        let amounts =
            report.rows.iter().chain(&report.totals).filter_map(|row| row.values.get(&column.name)?.as_array()).flatten();
        let currencies: BTreeSet<&str> = amounts.filter_map(|amount| amount["currency"].as_str()).collect();
        figures.extend(currencies.into_iter().map(|currency| Figures { column, currency: Some(currency.to_owned()) }));
    }
    figures
}

fn total(language: Language) -> String {
    match language {
        Language::English => "Total",
        Language::Chinese => "合计",
    }
    .to_owned()
}

fn label(row: &ReportRow, column: &ReportColumn) -> Option<String> {
    let key = row.key.get(&column.name)?;
    let label = row.labels.get(&column.name).and_then(Value::as_str).map(str::to_owned);
    Some(harmless(label.unwrap_or_else(|| key.as_str().map_or_else(|| key.to_string(), str::to_owned))))
}

fn long(report: &Report, dimensions: &[&ReportColumn], figures: &[Figures<'_>], language: Language) -> Vec<Vec<String>> {
    let titles = dimensions.iter().map(|column| column.label.clone()).chain(figures.iter().map(Figures::title));
    let mut rows = vec![titles.map(harmless).collect()];
    for row in report.rows.iter().chain(&report.totals) {
        let labels = dimensions.iter().map(|column| label(row, column).unwrap_or_else(|| total(language)));
        rows.push(labels.chain(figures.iter().map(|figure| figure.cell(Some(row)))).collect());
    }
    rows
}

fn pivoted(report: &Report, dimensions: &[&ReportColumn], figures: &[Figures<'_>], language: Language) -> Vec<Vec<String>> {
    let Some(pivot) = &report.pivot else { return Vec::new() };
    let side: Vec<&&ReportColumn> =
        dimensions.iter().filter(|column| pivot.columns.first().is_none_or(|key| !key.contains_key(&column.name))).collect();
    let top: Vec<&&ReportColumn> = dimensions.iter().filter(|column| !side.iter().any(|one| one.name == column.name)).collect();
    // The first row of figures of a column or row names it.
    let named = |key: &Map<String, Value>, columns: &[&&ReportColumn], keys: usize| -> Option<Vec<String>> {
        let row = report.rows.iter().find(|row| key.iter().all(|(name, value)| row.key.get(name) == Some(value)));
        (keys > 0).then(|| columns.iter().map(|column| row.and_then(|row| label(row, column)).unwrap_or_default()).collect())
    };
    let total_of = |key: &Map<String, Value>| report.totals.iter().find(|row| row.key == *key);
    let has_totals_of = |keys: &[Map<String, Value>]| keys.iter().any(|key| !key.is_empty() && total_of(key).is_some());
    let (right, below) = (has_totals_of(&pivot.rows), has_totals_of(&pivot.columns));
    let titles = |prefix: &str| -> Vec<String> {
        figures
            .iter()
            .map(|figure| if prefix.is_empty() { figure.title() } else { format!("{prefix} · {}", figure.title()) })
            .collect()
    };
    let mut header: Vec<String> = side.iter().map(|column| column.label.clone()).collect();
    for key in &pivot.columns {
        header.extend(titles(&named(key, &top, key.len()).unwrap_or_default().join(" / ")));
    }
    if right {
        header.extend(titles(&total(language)));
    }
    let mut rows = vec![header.into_iter().map(harmless).collect::<Vec<_>>()];
    for (key, cells) in pivot.rows.iter().zip(&pivot.cells) {
        let mut row = named(key, &side, key.len()).unwrap_or_default();
        for cell in cells {
            let found = cell.and_then(|place| report.rows.get(place));
            row.extend(figures.iter().map(|figure| figure.cell(found)));
        }
        if right {
            row.extend(figures.iter().map(|figure| figure.cell(total_of(key))));
        }
        rows.push(row);
    }
    if below {
        let mut row: Vec<String> = side.iter().map(|_| total(language)).collect();
        for key in &pivot.columns {
            row.extend(figures.iter().map(|figure| figure.cell(total_of(key))));
        }
        if right {
            row.extend(figures.iter().map(|figure| figure.cell(total_of(&Map::new()))));
        }
        rows.push(row);
    }
    rows
}
