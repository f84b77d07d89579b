//! An answer as a chart: which dimension goes along the axis, which is told apart by colour, and which measures are drawn.

use std::collections::{BTreeSet, HashMap};

use farley_domain::{
    model::{
        fault::{Fault, FaultCode, Faults, Language, unknown},
        field::FieldType,
    },
    reporting::{
        chart::{AskedChart, Chart, ChartKind, Number, Series, Unit},
        question::Function,
        table::Derived,
    },
    values::money::Currency,
};
use serde_json::Value;

use super::{
    answer::{Report, ReportColumn, ReportRow},
    layout::label,
    question::{Cutting, Dimension, How, Measure},
};

/// How an answer is drawn: what was asked of the chart, with names that exist and what is chosen where nothing was asked.
#[derive(Clone, Debug, Default)]
pub struct Charting {
    asked: AskedChart,
    kind: Option<ChartKind>,
    /// The names of the dimensions that categories are of, the one along the axis first.
    categories: Vec<String>,
    series: Option<String>,
    measures: Vec<String>,
    /// Whether categories follow each other as time goes.
    is_course: bool,
    /// Whether rows come in an order that was asked for, rather than in that of their values.
    is_sorted: bool,
}

impl Charting {
    /// Understands what is asked of a chart; what is wrong with it goes to the faults, below `/chart`.
    pub fn read(
        asked: Option<AskedChart>,
        dimensions: &[Dimension],
        measures: &[Measure],
        is_sorted: bool,
        faults: &mut Faults,
    ) -> Charting {
        let asked = asked.unwrap_or_default();
        let names: Vec<&str> = dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
        let mut among = |pointer: String, name: &str, names: &[&str]| {
            let place = names.iter().position(|known| *known == name);
            if place.is_none() {
                let fault = unknown(pointer, FaultCode::UnknownChoice, name, names.iter().copied());
                faults.add(fault);
            }
            place
        };
        let category = asked.category.as_deref().and_then(|name| among("/chart/category".to_owned(), name, &names));
        let series = asked.series.as_deref().and_then(|name| among("/chart/series".to_owned(), name, &names));
        let measure_names: Vec<&str> = measures.iter().map(|measure| measure.name.as_str()).collect();
        let chosen: Vec<Option<usize>> = asked
            .measures
            .iter()
            .enumerate()
            .map(|(place, name)| among(format!("/chart/measures/{place}"), name, &measure_names))
            .collect();
        for (place, measure) in chosen.iter().enumerate() {
            let Some(measure) = measure else { continue };
            if chosen[..place].contains(&Some(*measure)) {
                faults.add(Fault::new(format!("/chart/measures/{place}"), FaultCode::Repeated));
            } else if kind_of(&measures[*measure], measures).is_none() {
                faults.add(
                    Fault::new(format!("/chart/measures/{place}"), FaultCode::WrongType).with("expected", "a measure of numbers"),
                );
            }
        }
        if category.is_some() && category == series {
            faults.add(Fault::new("/chart/series", FaultCode::Conflicting).with("other", "category"));
        }
        let passes = |dimension: &Dimension| matches!(&dimension.cut, Cutting::Buckets { bucket, .. } if !bucket.is_cyclic());
        let (category, series) = sides(asked.kind, (category, series), dimensions.len(), dimensions.iter().position(passes));
        let rest = (0..dimensions.len()).filter(|place| Some(*place) != category && Some(*place) != series);
        let categories: Vec<usize> = category.into_iter().chain(rest).collect();
        let is_course = categories.len() == 1 && passes(&dimensions[categories[0]]);
        let kind = asked.kind.unwrap_or(if is_course { ChartKind::Line } else { ChartKind::Bar });
        if kind == ChartKind::Scatter && asked.series.is_some() {
            faults.add(Fault::new("/chart/series", FaultCode::WrongType).with("expected", "no series, as each row is a point"));
        }
        let mut drawn: Vec<usize> = chosen.into_iter().flatten().collect();
        if asked.measures.is_empty() {
            let of_numbers = |place: &usize| kind_of(&measures[*place], measures).is_some();
            let first = (0..measures.len()).find(of_numbers);
            let alike = |place: &usize| {
                first.is_some_and(|first| kind_of(&measures[*place], measures) == kind_of(&measures[first], measures))
            };
            drawn = match (kind, series) {
                (ChartKind::Scatter, _) => (0..measures.len()).filter(of_numbers).take(2).collect(),
                (ChartKind::Bar | ChartKind::Line | ChartKind::Area | ChartKind::StackedBar, None) => {
                    (0..measures.len()).filter(alike).collect()
                }
                (ChartKind::Funnel | ChartKind::Donut, None) if dimensions.is_empty() => {
                    (0..measures.len()).filter(alike).collect()
                }
                _ => first.into_iter().collect(),
            };
            if drawn.is_empty() && asked.kind.is_some() {
                faults.add(Fault::new("/chart/measures", FaultCode::WrongType).with("expected", "a measure of numbers"));
            }
        }
        if kind == ChartKind::Scatter && drawn.len() < 2 {
            faults.add(Fault::new("/chart/measures", FaultCode::WrongType).with("expected", "two measures of numbers"));
        }
        Charting {
            kind: Some(kind),
            categories: categories.into_iter().map(|place| names[place].to_owned()).collect(),
            series: series.map(|place| names[place].to_owned()),
            measures: drawn.into_iter().map(|place| measure_names[place].to_owned()).collect(),
            is_course,
            is_sorted,
            asked,
        }
    }

    /// The figures of a report as they are drawn.
    pub fn chart(&self, report: &Report, language: Language) -> Chart {
        let column = |name: &String| report.columns.iter().find(|column| column.name == *name);
        let dimensions: Vec<&ReportColumn> = self.categories.iter().filter_map(column).collect();
        let apart: Vec<&ReportColumn> = self.series.iter().filter_map(column).collect();
        let measures: Vec<&ReportColumn> = self.measures.iter().filter_map(column).collect();
        let place_of = |name: &String| report.columns.iter().position(|column| column.name == *name);
        let category_places: Vec<usize> = self.categories.iter().filter_map(place_of).collect();
        let series_places: Vec<usize> = self.series.iter().filter_map(place_of).collect();
        let categories = Side::of(report, &dimensions, &category_places, self.is_sorted && !self.is_course);
        let rows_of = Side::of(report, &apart, &series_places, self.is_sorted);
        let mut cells: HashMap<(usize, usize), &ReportRow> = HashMap::new();
        for (row, (category, series)) in report.rows.iter().zip(categories.of_rows.iter().zip(&rows_of.of_rows)) {
            cells.entry((*category, *series)).or_insert(row);
        }
        let mut series = Vec::new();
        for measure in &measures {
            for (place, name) in rows_of.labels.iter().enumerate() {
                for unit in units(report, measure) {
                    let values = (0..categories.labels.len()).map(|category| {
                        let row = cells.get(&(category, place))?;
                        figure(row.values.get(&measure.name)?, unit)
                    });
                    let label = series_label(name, measure, unit, measures.len() > 1);
                    series.push(Series { label, unit, values: values.collect() });
                }
            }
        }
        // What no row has in a currency is no series.
        series.retain(|own| !matches!(own.unit, Unit::Money(_)) || own.values.iter().any(Option::is_some));
        let kind = self.kind.unwrap_or(ChartKind::Bar);
        let mut labels = categories.labels;
        let is_whole = dimensions.is_empty() && !series.is_empty();
        let side_by_side = matches!(kind, ChartKind::Bar | ChartKind::StackedBar | ChartKind::Funnel | ChartKind::Donut);
        if is_whole && side_by_side && apart.is_empty() && series.iter().all(|own| own.unit == series[0].unit) {
            // Without dimensions the measures themselves are what is compared.
            labels = series.iter().map(|own| own.label.clone()).collect();
            let values = series.iter().map(|own| own.values.first().copied().flatten()).collect();
            series = vec![Series { label: String::new(), unit: series[0].unit, values }];
        }
        let comma = if language == Language::Chinese { "、" } else { ", " };
        let title = || {
            let along: Vec<&str> = labels_of(&dimensions).into_iter().chain(labels_of(&apart)).collect();
            let parts = [labels_of(&measures).join(comma), along.join(comma)];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
        };
        Chart {
            kind,
            title: self.asked.title.clone().unwrap_or_else(title),
            category_title: labels_of(&dimensions).join(" / "),
            categories: labels,
            is_course: self.is_course,
            series,
            notes: truncation(report, language).into_iter().collect(),
            theme: self.asked.theme,
            language,
            width: self.asked.width,
            height: self.asked.height,
        }
    }
}

fn labels_of<'a>(columns: &[&'a ReportColumn]) -> Vec<&'a str> {
    columns.iter().map(|column| column.label.as_str()).collect()
}

/// That a limit left rows out, if it did.
pub fn truncation(report: &Report, language: Language) -> Option<String> {
    let (shown, all) = (report.rows.len(), report.meta.row_count);
    report.meta.truncated.then(|| match language {
        Language::English => format!("Only the first {shown} of {all} rows."),
        Language::Chinese => format!("仅包含前 {shown} 行（共 {all} 行）。"),
    })
}

/// Which dimensions go along the axis and are told apart by colour, where that was not asked.
fn sides(
    kind: Option<ChartKind>,
    (category, series): (Option<usize>, Option<usize>),
    count: usize,
    course: Option<usize>,
) -> (Option<usize>, Option<usize>) {
    let first_but = |other: Option<usize>| (0..count).find(|place| Some(*place) != other);
    if kind == Some(ChartKind::Scatter) {
        return (category.or(first_but(series)), series);
    }
    if kind == Some(ChartKind::HeatMap) {
        // Its rows are the outer dimension, as of a table.
        let series = series.or_else(|| first_but(category).filter(|_| count > 1));
        return (category.or_else(|| first_but(series)), series);
    }
    let category = category.or_else(|| course.filter(|place| Some(*place) != series)).or_else(|| first_but(series));
    (category, series.or_else(|| first_but(category)))
}

/// What the figures of a measure are; none if they are no numbers.
fn kind_of(measure: &Measure, all: &[Measure]) -> Option<&'static str> {
    if measure.is_money() {
        return Some("money");
    }
    match &measure.how {
        How::Read { function: Function::Count | Function::Distinct, .. } => Some("integer"),
        How::Read { field: Some(field), .. } => match field.kind {
            FieldType::Integer { .. } | FieldType::Decimal => Some("number"),
            _ => None,
        },
        How::Read { field: None, .. } | How::Derived(Derived::Ratio(..)) => Some("number"),
        How::Derived(Derived::Share { .. }) => Some("share"),
        How::Derived(Derived::Compared { show: farley_domain::reporting::question::Shown::Change, .. }) => Some("share"),
        How::Derived(Derived::Running { of, .. } | Derived::Compared { of, .. }) => kind_of(&all[*of], all),
    }
}

/// The values of some dimensions, in order.
struct Side {
    labels: Vec<String>,
    /// For each row which of them it has.
    of_rows: Vec<usize>,
}

impl Side {
    fn of(report: &Report, columns: &[&ReportColumn], dimensions: &[usize], as_they_come: bool) -> Side {
        let mut known: HashMap<Vec<String>, usize> = HashMap::new();
        // Their places among the values of the dimensions, and labels.
        let mut found: Vec<(Vec<usize>, String)> = Vec::new();
        let mut of_rows = Vec::new();
        for row in &report.rows {
            let key: Vec<String> =
                columns.iter().map(|column| row.key.get(&column.name).map_or_else(String::new, Value::to_string)).collect();
            let place = *known.entry(key).or_insert_with(|| {
                let places = dimensions.iter().filter_map(|place| row.places.get(*place).copied()).collect();
                let labels: Vec<String> = columns.iter().filter_map(|column| label(row, column)).collect();
                found.push((places, labels.join(" / ")));
                found.len() - 1
            });
            of_rows.push(place);
        }
        let mut order: Vec<usize> = (0..found.len()).collect();
        if !as_they_come {
            order.sort_by(|one, other| found[*one].0.cmp(&found[*other].0));
        }
        let mut ranks = vec![0; found.len()];
        for (rank, place) in order.iter().enumerate() {
            ranks[*place] = rank;
        }
        Side {
            labels: order.into_iter().map(|place| std::mem::take(&mut found[place].1)).collect(),
            of_rows: of_rows.into_iter().map(|place| ranks[place]).collect(),
        }
    }
}

/// What the figures of a measure are of: amounts each currency that there is.
fn units(report: &Report, measure: &ReportColumn) -> Vec<Unit> {
    match measure.kind {
        "money" => {
            let amounts = report.rows.iter().filter_map(|row| row.values.get(&measure.name)?.as_array()).flatten();
            let codes: BTreeSet<&str> = amounts.filter_map(|amount| amount["currency"].as_str()).collect();
            codes.into_iter().filter_map(|code| code.parse().ok()).map(Unit::Money).collect()
        }
        "integer" => vec![Unit::Integer],
        "share" => vec![Unit::Share],
        _ => vec![Unit::Number],
    }
}

fn figure(value: &Value, unit: Unit) -> Option<Number> {
    let value = match unit {
        Unit::Money(currency) => value.as_array()?.iter().find(|amount| amount["currency"] == *currency.code())?.get("amount")?,
        Unit::Integer | Unit::Number | Unit::Share => value,
    };
    value.as_i64().map(Number::Whole).or_else(|| value.as_f64().map(Number::Decimal))
}

fn series_label(name: &str, measure: &ReportColumn, unit: Unit, are_several: bool) -> String {
    let label = match (name, are_several) {
        ("", _) => measure.label.clone(),
        (name, true) => format!("{name} · {}", measure.label),
        (name, false) => name.to_owned(),
    };
    match unit {
        Unit::Money(currency) => with_currency(&label, currency),
        Unit::Integer | Unit::Number | Unit::Share => label,
    }
}

fn with_currency(label: &str, currency: Currency) -> String {
    format!("{label} ({currency})")
}
