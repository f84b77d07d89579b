//! An answer as a table: the rows and then the totals, or a pivot table if one was asked for, with a column for each currency of amounts. CSV
//! files and workbooks are written from it.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use farley_domain::{
    model::fault::Language,
    values::money::{Currency, Money},
};
use serde_json::{Map, Value};

use super::answer::{Report, ReportColumn, ReportRow};

/// What a place of the table has in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    Integer(i64),
    Decimal(f64),
    Share(f64),
    Money(Money),
    /// A day, and what it is called.
    Day(NaiveDate, String),
    /// A month by its first day, and what it is called.
    Month(NaiveDate, String),
    Time(DateTime<Utc>, String),
}

/// A column of figures: the place of its measure among the columns, and its currency where there is one.
pub struct Figures<'a> {
    pub column: &'a ReportColumn,
    pub currency: Option<Currency>,
}

impl Figures<'_> {
    pub fn title(&self) -> String {
        match &self.currency {
            Some(currency) => format!("{} ({currency})", self.column.label),
            None => self.column.label.clone(),
        }
    }

    pub fn cell(&self, row: Option<&ReportRow>) -> Cell {
        let Some(value) = row.and_then(|row| row.values.get(&self.column.name)) else { return Cell::Empty };
        if let Some(currency) = self.currency {
            let own = value.as_array().into_iter().flatten().find(|amount| amount["currency"] == *currency.code());
            let amount = own.and_then(|amount| amount["amount"].as_i64());
            return amount.map_or(Cell::Empty, |amount| Cell::Money(Money::new(amount, currency)));
        }
        match value {
            Value::Null => Cell::Empty,
            Value::String(text) => dated(self.column.kind, text).unwrap_or_else(|| Cell::Text(text.clone())),
            number => match (self.column.kind, number.as_i64(), number.as_f64()) {
                ("share", _, Some(share)) => Cell::Share(share),
                (_, Some(whole), _) => Cell::Integer(whole),
                (_, None, Some(decimal)) => Cell::Decimal(decimal),
                (_, None, None) => Cell::Text(number.to_string()),
            },
        }
    }
}

/// A date or time of a measure.
fn dated(kind: &str, text: &str) -> Option<Cell> {
    match kind {
        "date" => text.parse().ok().map(|day| Cell::Day(day, text.to_owned())),
        "time" => DateTime::parse_from_rfc3339(text).ok().map(|time| Cell::Time(time.to_utc(), text.to_owned())),
        _ => None,
    }
}

/// The columns of figures: of amounts one for each currency that there is.
pub fn figures(report: &Report) -> Vec<Figures<'_>> {
    let mut figures = Vec::new();
    for column in report.columns.iter().filter(|column| column.role == "measure") {
        if column.kind != "money" {
            figures.push(Figures { column, currency: None });
            continue;
        }
        let amounts =
            report.rows.iter().chain(&report.totals).filter_map(|row| row.values.get(&column.name)?.as_array()).flatten();
        let currencies: BTreeSet<&str> = amounts.filter_map(|amount| amount["currency"].as_str()).collect();
        let currencies = currencies.into_iter().filter_map(|code| code.parse().ok());
        figures.extend(currencies.map(|currency| Figures { column, currency: Some(currency) }));
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

/// What the value of a dimension is called in a row; nothing in totals over it.
pub fn label(row: &ReportRow, column: &ReportColumn) -> Option<String> {
    let key = row.key.get(&column.name)?;
    let label = row.labels.get(&column.name).and_then(Value::as_str).map(str::to_owned);
    Some(label.unwrap_or_else(|| key.as_str().map_or_else(|| key.to_string(), str::to_owned)))
}

/// The value of a dimension: dates as such, numbers that are grouped one by one as such, all else by its label.
fn value(row: &ReportRow, column: &ReportColumn) -> Option<Cell> {
    let text = label(row, column)?;
    let key = &row.key[&column.name];
    Some(match (column.kind, key) {
        ("date" | "bucket", Value::String(key)) => match (key.parse(), format!("{key}-01").parse()) {
            (Ok(day), _) => Cell::Day(day, text),
            (Err(_), Ok(month)) => Cell::Month(month, text),
            (Err(_), Err(_)) => Cell::Text(text),
        },
        ("number", Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Cell::Integer(whole),
            (None, Some(decimal)) => Cell::Decimal(decimal),
            (None, None) => Cell::Text(text),
        },
        _ => Cell::Text(text),
    })
}

/// A table of an answer. Its rows are made one by one, as a pivot table can have far more places than figures.
pub struct Layout<'a> {
    report: &'a Report,
    language: Language,
    figures: Vec<Figures<'a>>,
    /// The dimensions down the side.
    side: Vec<&'a ReportColumn>,
    top: Vec<&'a ReportColumn>,
    totals: HashMap<String, &'a ReportRow>,
    /// Whether there are totals at the right and below.
    ends: (bool, bool),
}

/// A row of the table.
pub struct Line {
    pub cells: Vec<Cell>,
    pub is_total: bool,
}

impl<'a> Layout<'a> {
    pub fn of(report: &'a Report, language: Language) -> Layout<'a> {
        let dimensions = report.columns.iter().filter(|column| column.role == "dimension");
        let along = report.pivot.as_ref().and_then(|pivot| pivot.columns.first());
        let (top, side): (Vec<_>, Vec<_>) =
            dimensions.partition(|column| along.is_some_and(|key| key.contains_key(&column.name)));
        let totals: HashMap<String, &ReportRow> = report.totals.iter().map(|row| (named(&row.key), row)).collect();
        let has_totals_of =
            |keys: &[Map<String, Value>]| keys.iter().any(|key| !key.is_empty() && totals.contains_key(&named(key)));
        let ends =
            report.pivot.as_ref().map_or((false, false), |pivot| (has_totals_of(&pivot.rows), has_totals_of(&pivot.columns)));
        Layout { report, language, figures: figures(report), side, top, totals, ends }
    }

    /// How many columns name the rows.
    pub fn names(&self) -> usize {
        self.side.len()
    }

    pub fn header(&self) -> Vec<String> {
        let mut header: Vec<String> = self.side.iter().map(|column| column.label.clone()).collect();
        let Some(pivot) = &self.report.pivot else {
            header.extend(self.figures.iter().map(Figures::title));
            return header;
        };
        let mut titles = |prefix: &str| {
            let titled = |figure: &Figures<'_>| match prefix {
                "" => figure.title(),
                prefix => format!("{prefix} · {}", figure.title()),
            };
            header.extend(self.figures.iter().map(titled));
        };
        for place in 0..pivot.columns.len() {
            // The first row of figures of a column names it.
            let row = pivot.cells.iter().find_map(|cells| self.report.rows.get(cells[place]?));
            let names: Vec<String> = self.top.iter().filter_map(|column| label(row?, column)).collect();
            titles(&names.join(" / "));
        }
        if self.ends.0 {
            titles(&total(self.language));
        }
        header
    }

    /// The rows, and then those of totals.
    pub fn lines(&self) -> Box<dyn Iterator<Item = Line> + '_> {
        match &self.report.pivot {
            None => {
                let rows = self.report.rows.iter().map(|row| (row, false));
                Box::new(rows.chain(self.report.totals.iter().map(|row| (row, true))).map(|(row, is_total)| {
                    let names =
                        self.side.iter().map(|column| value(row, column).unwrap_or_else(|| Cell::Text(total(self.language))));
                    Line { cells: names.chain(self.figures.iter().map(|figure| figure.cell(Some(row)))).collect(), is_total }
                }))
            }
            Some(pivot) => {
                let rows = pivot.rows.iter().zip(&pivot.cells).map(|(key, places)| {
                    let first = places.iter().flatten().find_map(|place| self.report.rows.get(*place));
                    let mut cells: Vec<Cell> =
                        self.side.iter().map(|column| first.and_then(|row| value(row, column)).unwrap_or(Cell::Empty)).collect();
                    for place in places {
                        self.push(&mut cells, place.and_then(|place| self.report.rows.get(place)));
                    }
                    if self.ends.0 {
                        self.push(&mut cells, self.total_of(key));
                    }
                    Line { cells, is_total: false }
                });
                let last = self.ends.1.then(|| {
                    let mut cells: Vec<Cell> = self.side.iter().map(|_| Cell::Text(total(self.language))).collect();
                    for key in &pivot.columns {
                        self.push(&mut cells, self.total_of(key));
                    }
                    if self.ends.0 {
                        self.push(&mut cells, self.total_of(&Map::new()));
                    }
                    Line { cells, is_total: true }
                });
                Box::new(rows.chain(last))
            }
        }
    }

    fn push(&self, cells: &mut Vec<Cell>, row: Option<&ReportRow>) {
        cells.extend(self.figures.iter().map(|figure| figure.cell(row)));
    }

    fn total_of(&self, key: &Map<String, Value>) -> Option<&'a ReportRow> {
        self.totals.get(&named(key)).copied()
    }
}

/// A key as text, whatever the order of its parts.
fn named(key: &Map<String, Value>) -> String {
    let mut parts: Vec<String> = key.iter().map(|(name, value)| format!("{name}={value}")).collect();
    parts.sort_unstable();
    parts.join("\n")
}
