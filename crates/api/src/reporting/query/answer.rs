//! The answer to a question: keys for programs, labels for people, figures, and where to list the records behind them.

use std::collections::{BTreeMap, HashMap};

use farley_domain::{
    identity::access::Action,
    model::{
        fault::Language,
        field::{Field, FieldType},
        registry,
    },
    reporting::{
        question::Function,
        table::{Derived, Figure, Row},
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::Reader;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    axis::{Axis, Member, MemberKind},
    question::{Cutting, How, Measure, Question},
};
use crate::{
    access::principal::Principal,
    http::problem::{Code, Problem},
};

/// The answer to a question.
#[derive(Serialize, ToSchema)]
pub struct Report {
    /// The dimensions, then the measures, in the order they were asked for.
    pub columns: Vec<ReportColumn>,
    /// One for each combination of values; buckets without records too, unless `fill` is off.
    pub rows: Vec<ReportRow>,
    /// The totals asked for, each computed anew of its records.
    pub totals: Vec<ReportRow>,
    /// The rows as a pivot table; null if that is not asked for.
    pub pivot: Option<ReportPivot>,
    pub meta: ReportMeta,
}

/// A dimension or measure.
#[derive(Serialize, ToSchema)]
pub struct ReportColumn {
    /// Its name in `key`, `labels` and `values`.
    #[schema(example = "won")]
    pub name: String,
    /// The label in the language of the request: of a dimension that of its field, of a measure the name it was given.
    #[schema(example = "Amount: sum")]
    pub label: String,
    /// `dimension` or `measure`.
    #[schema(example = "measure")]
    pub role: &'static str,
    /// What its values are: `bucket`, `range`, `reference`, `choice`, `boolean`, `text`, `date` and `number` of dimensions; `integer`,
    /// `number`, `money` (a list of amounts, one for each currency), `share` (0 to 1), `date` and `time` of measures.
    #[serde(rename = "type")]
    #[schema(example = "money")]
    pub kind: &'static str,
    /// The object that the values of a dimension refer to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "user")]
    pub object: Option<&'static str>,
    /// The narrower filter of a measure: its figures count the records of a row that meet it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub filter: Option<Value>,
}

/// One group of records, or a total of several.
#[derive(Serialize, ToSchema)]
pub struct ReportRow {
    /// The value of each dimension, for programs: the key of a bucket (`2026-03`, `FY2026-Q2`, `dow:1`), `range:0`, `other`, or the value
    /// itself; null for records without a value. A total has those of the dimensions it keeps.
    #[schema(value_type = Object, example = json!({"month": "2026-03"}))]
    pub key: Map<String, Value>,
    /// The same for people, in the language of the request; the id of a record that you cannot read has none.
    #[schema(value_type = Object, example = json!({"month": "Mar 2026"}))]
    pub labels: Map<String, Value>,
    /// The figure of each measure; null where there is none.
    #[schema(value_type = Object, example = json!({"won": [{"amount": 1_234_500, "currency": "CNY"}], "win_rate": 0.42}))]
    pub values: Map<String, Value>,
    /// Where its records are listed; null where no filter can say which they are, and for parts of other records, such as line items, which
    /// have no search of their own.
    pub drill: Option<ReportDrill>,
    /// The places of its values among all values of their dimensions, by which charts put them in order.
    #[serde(skip)]
    pub places: Vec<usize>,
}

/// A search that lists the records of a row.
#[derive(Serialize, ToSchema)]
pub struct ReportDrill {
    /// The collection to search: `POST /v1/{collection}/search`.
    #[schema(example = "opportunities")]
    pub collection: &'static str,
    #[schema(value_type = Object)]
    pub filter: Value,
    /// The time of the past that was asked about, for the search too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = "date-time", nullable = false)]
    pub as_of: Option<Timestamp>,
}

/// A pivot table over the rows.
#[derive(Serialize, ToSchema)]
pub struct ReportPivot {
    /// The keys down the side, in the order of the rows.
    #[schema(value_type = Vec<Object>)]
    pub rows: Vec<Map<String, Value>>,
    /// The keys along the top, in the order of their values.
    #[schema(value_type = Vec<Object>)]
    pub columns: Vec<Map<String, Value>>,
    /// For each row and column the place of its figures in `rows` of the answer, from 0; null where there are none.
    pub cells: Vec<Vec<Option<usize>>>,
}

/// How the answer came about.
#[derive(Serialize, ToSchema)]
pub struct ReportMeta {
    #[schema(example = "opportunities")]
    pub collection: &'static str,
    #[schema(example = "Asia/Shanghai")]
    pub time_zone: String,
    #[schema(example = "mon")]
    pub week_start: &'static str,
    #[schema(example = 1)]
    pub fiscal_start_month: u32,
    #[schema(value_type = Option<String>, format = "date-time")]
    pub as_of: Option<Timestamp>,
    /// The currency that amounts were converted to; null if each currency is answered apart.
    #[schema(example = "CNY")]
    pub currency: Option<String>,
    /// The field whose day decided the rate; null for the day of `as_of`, or of the answer.
    #[schema(example = "closed_at")]
    pub rate_date: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    pub computed_at: Timestamp,
    /// How many rows there are.
    #[schema(example = 12)]
    pub row_count: usize,
    /// Whether `limit` leaves rows out.
    pub truncated: bool,
    /// The filter of the question, for files that say what they are of.
    #[serde(skip)]
    pub filter: Option<Value>,
}

pub struct Answering<'a> {
    pub question: &'a Question,
    pub axes: &'a [Axis],
    pub base: &'a [Value],
    pub language: Language,
    pub now: Timestamp,
}

/// Names of records by object and id.
type Titles = HashMap<(&'static str, String), String>;

impl Answering<'_> {
    pub fn report(
        &self,
        reader: &mut Reader<'_>,
        asker: &Principal,
        (rows, found): (Vec<Row>, usize),
        totals: Vec<(Vec<usize>, Vec<Row>)>,
    ) -> Result<Report, Problem> {
        let shown = rows.iter().chain(totals.iter().flat_map(|(_, rows)| rows));
        let titles = self.titles(reader, asker, shown)?;
        let all: Vec<usize> = (0..self.axes.len()).collect();
        let pivot = self.question.pivot.as_ref().map(|pivot| self.pivot(&rows, pivot));
        let rows = rows.iter().map(|row| self.row(&all, row, &titles)).collect::<Result<Vec<_>, Problem>>()?;
        let truncated = rows.len() < found;
        let mut shown = Vec::new();
        for (kept, rows) in totals {
            for row in &rows {
                shown.push(self.row(&kept, row, &titles)?);
            }
        }
        let conversion = self.question.conversion.as_ref();
        Ok(Report {
            columns: self.columns(),
            rows,
            totals: shown,
            pivot,
            meta: ReportMeta {
                collection: self.question.object.collection,
                time_zone: self.question.zone.name().to_owned(),
                week_start: self.question.fiscal.week_start.as_str(),
                fiscal_start_month: self.question.fiscal.first_month,
                as_of: self.question.as_of,
                currency: conversion.map(|conversion| conversion.to.to_string()),
                rate_date: conversion.and_then(|conversion| Some(conversion.by.as_ref()?.0.clone())),
                computed_at: self.now,
                row_count: found,
                truncated,
                filter: self.question.filter.clone(),
            },
        })
    }

    fn columns(&self) -> Vec<ReportColumn> {
        let dimensions = self.question.dimensions.iter().map(|dimension| {
            let field = &dimension.group.field;
            let object = match &field.kind {
                FieldType::Reference(object) => registry::named(object).map(|object| object.name),
                _ => None,
            };
            let kind = match (&dimension.cut, &field.kind) {
                (Cutting::Buckets { .. }, _) => "bucket",
                (Cutting::Ranges(_), _) => "range",
                (Cutting::Each, FieldType::Reference(_)) => "reference",
                (Cutting::Each, FieldType::Choice(_)) => "choice",
                (Cutting::Each, FieldType::Boolean) => "boolean",
                (Cutting::Each, FieldType::Date | FieldType::DateTime) => "date",
                (Cutting::Each, FieldType::Integer { .. } | FieldType::Decimal | FieldType::Money) => "number",
                (Cutting::Each, _) => "text",
            };
            ReportColumn {
                name: dimension.name.clone(),
                label: self.label_of(field),
                role: "dimension",
                kind,
                object,
                filter: None,
            }
        });
        let measures = self.question.measures.iter().map(|measure| ReportColumn {
            name: measure.name.clone(),
            label: self.measure_label(measure),
            role: "measure",
            kind: self.measure_kind(measure),
            object: None,
            filter: measure.filter.clone(),
        });
        dimensions.chain(measures).collect()
    }

    fn label_of(&self, field: &Field) -> String {
        match self.language {
            Language::English => field.label.en.to_string(),
            Language::Chinese => field.label.zh.to_string(),
        }
    }

    fn measure_label(&self, measure: &Measure) -> String {
        let function = |function: Function| {
            let choice = Function::choices().into_iter().find(|choice| choice.value == function.as_str());
            choice.map_or_else(String::new, |choice| match self.language {
                Language::English => choice.label.en.to_string(),
                Language::Chinese => choice.label.zh.to_string(),
            })
        };
        if let Some(label) = &measure.label {
            return label.clone();
        }
        match &measure.how {
            How::Read { function: Function::Count, field: None, .. } => function(Function::Count),
            How::Read { function: of, field: Some(field), .. } => match self.language {
                Language::English => format!("{}: {}", self.label_of(field), function(*of).to_lowercase()),
                Language::Chinese => format!("{}：{}", self.label_of(field), function(*of)),
            },
            How::Read { function: of, .. } => function(*of),
            How::Derived(_) => measure.name.clone(),
        }
    }

    fn measure_kind(&self, measure: &Measure) -> &'static str {
        if measure.is_money() {
            return "money";
        }
        match &measure.how {
            How::Read { function: Function::Count | Function::Distinct, .. } => "integer",
            How::Read { field: Some(field), function, .. } => match (&field.kind, function) {
                (FieldType::Date, _) => "date",
                (FieldType::DateTime, _) => "time",
                (FieldType::Integer { .. }, Function::Sum | Function::Min | Function::Max) => "integer",
                _ => "number",
            },
            How::Read { .. } => "number",
            How::Derived(Derived::Ratio(..)) => "number",
            How::Derived(Derived::Share { .. }) => "share",
            How::Derived(Derived::Compared { show: farley_domain::reporting::question::Shown::Change, .. }) => "share",
            How::Derived(Derived::Running { of, .. } | Derived::Compared { of, .. }) => {
                self.measure_kind(&self.question.measures[*of])
            }
        }
    }

    fn row(&self, kept: &[usize], row: &Row, titles: &Titles) -> Result<ReportRow, Problem> {
        let (mut key, mut labels, mut values) = (Map::new(), Map::new(), Map::new());
        let mut filters = self.base.to_vec();
        // Parts of other records have no search of their own.
        let mut is_told = self.question.object.parent.is_none();
        for place in kept {
            let name = &self.question.dimensions[*place].name;
            let member = row.key[*place].and_then(|at| self.axes[*place].members.get(at));
            let Some(member) = member else {
                return Err(Problem::internal("a row has a value of each of its dimensions"));
            };
            key.insert(name.clone(), member.key.clone());
            labels.insert(name.clone(), json!(self.member_label(*place, member, titles)));
            match &member.filter {
                Some(filter) => filters.push(filter.clone()),
                None => is_told = false,
            }
        }
        for (measure, figure) in self.question.measures.iter().zip(&row.figures) {
            values.insert(measure.name.clone(), value(figure)?);
        }
        let drill = is_told.then(|| ReportDrill {
            collection: self.question.object.collection,
            filter: json!({"and": filters}),
            as_of: self.question.as_of,
        });
        let places = kept.iter().filter_map(|place| row.key[*place]).collect();
        Ok(ReportRow { key, labels, values, drill, places })
    }

    fn member_label(&self, place: usize, member: &Member, titles: &Titles) -> Option<String> {
        let dimension = &self.question.dimensions[place];
        let field = &dimension.group.field;
        let english = self.language == Language::English;
        let word = |en: &str, zh: &str| Some(if english { en } else { zh }.to_owned());
        match member.kind {
            MemberKind::Missing => word("(none)", "（空）"),
            MemberKind::Other => word("Other", "其他"),
            MemberKind::Bucket(first) => match &dimension.cut {
                Cutting::Buckets { bucket, .. } => Some(bucket.label(first, self.question.fiscal, self.language)),
                Cutting::Each | Cutting::Ranges(_) => None,
            },
            MemberKind::Range(from, to) => Some(match (from, to) {
                (Some(from), Some(to)) => format!("{from} – {to}"),
                (None, Some(to)) => format!("< {to}"),
                (Some(from), None) => format!("≥ {from}"),
                (None, None) => String::new(),
            }),
            MemberKind::Value => match (&field.kind, &member.key) {
                (FieldType::Reference(object), Value::String(id)) => {
                    let object = registry::named(object)?;
                    titles.get(&(object.name, id.clone())).cloned()
                }
                (FieldType::Choice(choices), Value::String(value)) => {
                    let choice = choices.iter().find(|choice| choice.value == *value);
                    Some(choice.map_or_else(
                        || value.clone(),
                        |choice| if english { choice.label.en.to_string() } else { choice.label.zh.to_string() },
                    ))
                }
                (_, Value::Bool(true)) => word("Yes", "是"),
                (_, Value::Bool(false)) => word("No", "否"),
                (_, Value::String(text)) => Some(text.clone()),
                (_, other) => Some(other.to_string()),
            },
        }
    }

    /// The titles of the records that rows are named after, as far as the asker may read them.
    fn titles<'r>(
        &self,
        reader: &mut Reader<'_>,
        asker: &Principal,
        rows: impl Iterator<Item = &'r Row> + Clone,
    ) -> Result<Titles, Problem> {
        let mut titles = Titles::new();
        for (place, dimension) in self.question.dimensions.iter().enumerate() {
            let FieldType::Reference(object) = &dimension.group.field.kind else { continue };
            let Some(object) = registry::named(object) else { continue };
            let (Some(within), Some(title)) = (asker.asker.rows(object, Action::Read), object.field(object.title)) else {
                continue;
            };
            if !asker.asker.sees(object, title) {
                continue;
            }
            let mut ids: Vec<Id> = rows
                .clone()
                .filter_map(|row| self.axes[place].members.get(row.key[place]?)?.key.as_str()?.parse().ok())
                .collect();
            ids.sort_unstable();
            ids.dedup();
            let view = asker.view(self.now);
            for ids in ids.chunks(500) {
                for row in reader.by_ids(&asker.layout(object), &view, ids, &within)? {
                    let record = row.to_record()?;
                    if let Value::String(text) = record.json(title) {
                        titles.insert((object.name, record.id().to_string()), text);
                    }
                }
            }
        }
        Ok(titles)
    }

    fn pivot(&self, rows: &[Row], (down, along): &(Vec<usize>, Vec<usize>)) -> ReportPivot {
        let side = |row: &Row, places: &[usize]| -> Vec<Option<usize>> { places.iter().map(|place| row.key[*place]).collect() };
        let key = |own: &[Option<usize>], places: &[usize]| -> Map<String, Value> {
            places
                .iter()
                .zip(own)
                .filter_map(|(place, at)| {
                    let member = self.axes[*place].members.get((*at)?)?;
                    Some((self.question.dimensions[*place].name.clone(), member.key.clone()))
                })
                .collect()
        };
        let mut sides: Vec<Vec<Option<usize>>> = Vec::new();
        let mut tops: BTreeMap<Vec<Option<usize>>, usize> = BTreeMap::new();
        let mut known = HashMap::new();
        for row in rows {
            let own = side(row, down);
            known.entry(own.clone()).or_insert_with(|| {
                sides.push(own);
                sides.len() - 1
            });
            tops.insert(side(row, along), 0);
        }
        for (place, top) in tops.values_mut().enumerate() {
            *top = place;
        }
        let mut cells = vec![vec![None; tops.len()]; sides.len()];
        for (number, row) in rows.iter().enumerate() {
            cells[known[&side(row, down)]][tops[&side(row, along)]] = Some(number);
        }
        ReportPivot {
            rows: sides.iter().map(|own| key(own, down)).collect(),
            columns: tops.keys().map(|own| key(own, along)).collect(),
            cells,
        }
    }
}

fn value(figure: &Figure) -> Result<Value, Problem> {
    let whole = |number: i128| i64::try_from(number).map_err(|_| Problem::new(Code::SumTooLarge));
    Ok(match figure {
        Figure::None => Value::Null,
        Figure::Integer(number) => json!(whole(*number)?),
        Figure::Decimal(number) => json!(number),
        Figure::Text(text) => json!(text),
        Figure::Money(amounts) => {
            let each =
                amounts.iter().map(|(currency, amount)| Ok(json!({"amount": whole(*amount)?, "currency": currency.code()})));
            Value::Array(each.collect::<Result<_, Problem>>()?)
        }
    })
}
