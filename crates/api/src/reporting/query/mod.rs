//! Questions over the records of any object: grouped by fields, dates and ranges, with whatever figures are asked for. Each row says which
//! records it counts.

mod answer;
mod asked;
mod axis;
mod charting;
mod converting;
mod having;
mod layout;
mod question;
mod reading;
mod reads;
mod rendering;
mod spreadsheet;
mod workbook;

use std::{cmp::Ordering, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, post};
use farley_domain::{
    model::{fault::Language, record::Record, structures::filter::FILTER},
    reporting::{
        bucket::WeekStart,
        chart::{AskedChart, CHART},
        question::{AnswerFormat, DIMENSIONS, Dimension, MEASURES, Measure, PIVOT, Pivot, TOTALS, Totals},
        table::{Mixed, Row},
    },
    values::{money::Currency, time::Timestamp},
};
use farley_persistence::Reader;
use serde_json::{Value, json};

use self::{
    answer::Answering,
    question::By,
    reading::Tables,
    rendering::{Rendering, rendered},
};
pub use self::{answer::Report, question::Question};
use crate::{
    access::{call::Call, principal::Principal},
    http::{
        problem::{Code, Problem},
        request::Body,
    },
    records::{body, mutation::Mutation},
};

crate::body! {
    /// A question.
    pub struct ReportQuestion {
        /// What is asked about: an object by its name or collection.
        object: Option<String> => text(100).required().example("opportunities"),
        /// What records are grouped by, the outermost first. Without any there is one row.
        dimensions: Vec<Dimension> => structure(&DIMENSIONS).default(json!([])),
        /// What is computed of each group. A measure can refer to those before it.
        measures: Vec<Measure> => structure(&MEASURES).default(json!([])),
        /// Which records are asked about, as in a search. Archived records are not.
        filter: Option<Value> => structure(&FILTER),
        /// Which rows are answered, by their figures: a predicate on measures. Totals count what it leaves out.
        having: Option<Value> => structure(&FILTER),
        /// What rows are sorted by: names of dimensions and measures, `-` before those that descend. By default the dimensions, in the order of
        /// their values. What has no figure is last.
        sort: Vec<String> => texts(10).example(json!(["-won"])),
        /// The most rows to answer.
        limit: i64 => integer(1, 5_000).default(1_000),
        /// How the rows make a pivot table.
        pivot: Option<Pivot> => structure(&PIVOT),
        /// Which totals to answer: `rows`, `columns`, `subtotals`, `grand`. They are computed anew, never added up.
        totals: Vec<String> => structure(&TOTALS).example(json!(["grand"])),
        /// The time zone of buckets, bounds and plain days. Defaults to the tenant's.
        time_zone: Option<String> => time_zone(),
        /// The day that weeks begin on.
        week_start: Option<WeekStart> => choice(WeekStart::choices()).default("mon"),
        /// The month that years and quarters begin with. Another one than January names them after the year they end in: `FY2027-Q1`.
        fiscal_start_month: Option<i64> => integer(1, 12).default(1),
        /// The currency that sums and means of amounts are converted to, by the exchange rates: a code of ISO 4217, or `base` for the
        /// tenant's own. Each amount is converted at the rate of its day, to a millionth of a minor unit, and the figure rounded once.
        /// Without it, amounts of several currencies are answered apart.
        currency: Option<String> => text(4).example("base"),
        /// The date or time field whose day decides the rate. Defaults to `closed_at` of opportunities, `ordered_on` of orders, `paid_on`
        /// of payments, `refunded_on` of refunds, and else to none. Where there is no date, the rate is that of the day of `as_of`, or today.
        rate_date: Option<String> => text(300).example("closed_at"),
        /// The time of the past that is asked about, where the object has a ledger.
        as_of: Option<Timestamp> => datetime(),
        /// How the answer is drawn as a chart.
        chart: Option<AskedChart> => structure(&CHART),
    }
    example json!({
        "object": "opportunities",
        "dimensions": [{"field": "closed_at", "as": "month", "bucket": "month", "from": "2026-01-01", "to": "2027-01-01"}],
        "measures": [
            {"as": "won", "fn": "sum", "field": "amount", "filter": {"field": "status", "value": "won"}},
            {"as": "won_count", "fn": "count", "filter": {"field": "status", "value": "won"}},
            {"as": "closed_count", "fn": "count"},
            {"as": "win_rate", "ratio": ["won_count", "closed_count"]}
        ],
        "filter": {"field": "status", "op": "in", "value": ["won", "lost"]},
        "totals": ["grand"],
        "chart": {"kind": "line", "title": "Won by month", "measures": ["won"]}
    })
}

crate::query! {
    /// How the answer is written.
    pub struct ReportFormat {
        /// What the answer is written as, whatever the request accepts.
        format: Option<AnswerFormat> => choice(AnswerFormat::choices()).example("xlsx"),
        /// Whether a CSV file begins with a byte order mark, by which Excel knows it for UTF-8.
        bom: bool => boolean().default(true),
    }
}

/// Query a report
///
/// Groups the records of any object that you can see, and computes figures of each group. Nothing is stored. Each row has a `drill`: what,
/// posted to the search of the object, lists exactly its records (parts of other records have none); a measure with a `filter` of its own counts those of them that meet the
/// `filter` of its column too. Amounts of several currencies are answered apart, and never added. Buckets, bounds and plain days are of one
/// time zone, and the `drill` names instants.
///
/// The answer is written as the `format` parameter or the `Accept` header says: as JSON; as a CSV file of labels and amounts in major units, with
/// a column for each currency and the totals below the rows; as an Excel workbook of the same table with numbers, dates and percentages as such,
/// a chart, and a sheet that says what the figures are of; or as a picture (SVG) of the `chart`. A pivot table is written as one. A picture
/// draws at most 200 categories and 20 series and says what it leaves out.
#[utoipa::path(tag = "reports", operation_id = "queryReport", request_body = ReportQuestion, params(ReportFormat),
    responses((status = 200, description = "The answer.", content((Report = "application/json"), (String = "text/csv"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (String = "image/svg+xml")))))]
#[post("/v1/reports/query")]
pub async fn query(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let format = body::read_query::<ReportFormat>(&Mutation::of_question(&request, &body.0)?)?;
    let question = read(&call.principal, call.now, &body.0)?;
    respond(&call, &request, (&format, "report"), question).await
}

/// Reads a question, by whoever asks it now.
pub fn read(asker: &Principal, now: Timestamp, asked: &Value) -> Result<Question, Problem> {
    Question::read(asker, now, &body::read::<ReportQuestion>(asked, &asker.standards(now))?)
}

/// Answers a question.
pub async fn answer(call: &Call, question: Question) -> Result<Report, Problem> {
    let (asker, now, language) = (Arc::clone(&call.principal), call.now, call.language);
    call.state.store.report::<_, Problem>(call.claim(), move |reader| answered(&question, reader, &asker, (now, language))).await
}

/// Answers a question in the format that is asked for; a file has a name.
pub async fn respond(
    call: &Call,
    request: &HttpRequest,
    (format, name): (&Record<ReportFormat>, &str),
    question: Question,
) -> Result<HttpResponse, Problem> {
    let how = Rendering {
        format: rendering::format_of(request, format.get(ReportFormat::format)),
        charting: question.charting.clone(),
        language: call.language,
        name: name.to_owned(),
        bom: format.get(ReportFormat::bom),
    };
    rendered(answer(call, question).await?, how).await
}

fn answered(
    question: &Question,
    reader: &mut Reader<'_>,
    asker: &Principal,
    (now, language): (Timestamp, Language),
) -> Result<Report, Problem> {
    let mut tables = Tables::open(question, reader, asker, now)?;
    let mut rows = tables.whole()?;
    rows.retain(|row| tables.is_shown(row));
    if let Some(having) = &question.having {
        let mut kept = Vec::new();
        for row in rows {
            if having.meets(&row).map_err(mixed)? {
                kept.push(row);
            }
        }
        rows = kept;
    }
    sort(question, &mut rows)?;
    let found = rows.len();
    rows.truncate(question.limit);
    let mut totals = Vec::new();
    for kept in kept_by_totals(question) {
        let mut own = tables.total(&kept)?;
        own.retain(|row| tables.is_shown(row));
        totals.push((kept, own));
    }
    let base = tables.base();
    let axes = std::mem::take(&mut tables.axes);
    let answering = Answering { question, axes: &axes, base: &base, language, now };
    answering.report(reader, asker, (rows, found), totals)
}

/// Which dimensions the rows of totals keep, for each kind of totals; no kind twice.
fn kept_by_totals(question: &Question) -> Vec<Vec<usize>> {
    let mut kept: Vec<Vec<usize>> = Vec::new();
    let (rows, columns) = question.pivot.clone().unwrap_or_default();
    for totals in &question.totals {
        let more = match totals {
            Totals::Rows => vec![rows.clone()],
            Totals::Columns => vec![columns.clone()],
            Totals::Subtotals => (1..question.dimensions.len()).map(|count| (0..count).collect()).collect(),
            Totals::Grand => vec![Vec::new()],
        };
        for mut one in more {
            one.sort_unstable();
            if !kept.contains(&one) {
                kept.push(one);
            }
        }
    }
    kept
}

/// Sorts rows; what is equal stays in the order of its values.
fn sort(question: &Question, rows: &mut Vec<Row>) -> Result<(), Problem> {
    let mut keyed = Vec::new();
    for row in rows.drain(..) {
        let mut keys = Vec::new();
        for (_, by) in &question.sort {
            keys.push(match by {
                By::Dimension(place) => row.key[*place].map(|place| {
                    #[allow(clippy::cast_precision_loss, reason = "a place is small")]
                    let place = place as f64;
                    place
                }),
                By::Measure(place) => row.figures[*place].number().map_err(mixed)?,
            });
        }
        keyed.push((keys, row));
    }
    keyed.sort_by(|(left, _), (right, _)| {
        let orders = left.iter().zip(right).zip(&question.sort).map(|((left, right), (descending, _))| match (left, right) {
            (Some(left), Some(right)) if *descending => right.total_cmp(left),
            (Some(left), Some(right)) => left.total_cmp(right),
            (left, right) => left.is_none().cmp(&right.is_none()),
        });
        orders.fold(Ordering::Equal, Ordering::then)
    });
    rows.extend(keyed.into_iter().map(|(_, row)| row));
    Ok(())
}

/// Amounts of several currencies where one number is asked for.
fn mixed(found: Mixed) -> Problem {
    let currencies: Vec<&str> = found.0.iter().map(Currency::code).collect();
    Problem::new(Code::MixedCurrencies).with("currencies", currencies.join(", ")).member("currencies", json!(currencies))
}
