//! What a question asks for, checked against its object and the asker's rights.

use chrono_tz::Tz;
use farley_domain::{
    identity::access::{Action, AskerView},
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults, unknown},
        field::{Field, FieldType, Op},
        object::{Object, Schema},
        record::Record,
        registry,
        value::Standards,
    },
    query::{
        list::ListQuery,
        past::{AS_OF, AsOf},
        predicate::{Predicate, View, parse, path, pinned::pinned},
    },
    reporting::{
        bucket::{Fiscal, WeekStart},
        question::{self, Function, Pivot, Totals},
        saved_report::Parameter,
        table::Derived,
    },
    sales::{
        opportunity::Opportunity,
        orders::{order::Order, payment::Payment, refund::Refund},
    },
    values::{money::Currency, time::Timestamp},
};
use serde_json::json;

use super::{
    ReportQuestion,
    charting::Charting,
    having::Having,
    question::{By, Conversion, Cutting, Dimension, How, Lead, Measure, Question, Top},
};
use crate::{
    access::principal::Principal,
    http::problem::Problem,
    records::summary::{self, Figure},
};

/// Reads the parts of a question one after the other, and gathers what is wrong with them.
struct Reading<'a> {
    object: &'static Object,
    schema: Schema,
    view: &'a dyn View,
    faults: Faults,
}

impl Question {
    /// Reads what is asked for, by whoever asks it now.
    pub fn read(asker: &Principal, now: Timestamp, asked: &Record<ReportQuestion>) -> Result<Question, Problem> {
        let object = subject(asker, asked.get(ReportQuestion::object).unwrap_or_default())?;
        let zone = asked.get(ReportQuestion::time_zone).and_then(|name| name.parse().ok());
        let standards = asker.standards(now);
        let zone = zone.unwrap_or(standards.zone);
        let present = in_zone(asker, now, zone);
        let as_of = asked.get(ReportQuestion::as_of);
        let view = AsOf::of(&present, object, as_of.is_some());
        let fiscal = Fiscal {
            first_month: asked.get(ReportQuestion::fiscal_start_month).and_then(|month| u32::try_from(month).ok()).unwrap_or(1),
            week_start: asked.get(ReportQuestion::week_start).unwrap_or(WeekStart::Monday),
        };
        let mut reading = Reading { object, schema: path::shape_of(object, &view), view: &view, faults: Faults::default() };
        let filter = asked.get(ReportQuestion::filter).map(|filter| pinned(filter, &reading.schema, &view));
        let mut body = json!({});
        if let Some(filter) = &filter {
            body["filter"] = filter.clone();
        }
        if let Some(time) = as_of {
            body[AS_OF] = json!(time);
        }
        let mut rows = match ListQuery::from_search_body(object, &body, &present) {
            Ok(query) => query.predicate,
            Err(found) => {
                reading.faults.extend(found.0);
                Predicate::nothing()
            }
        };
        if let Some(parent) = object.parent {
            // Parts are listed below what they are parts of, for whoever may read that.
            let whole = object.relation(parent.object).and_then(|relation| path::reach(object, relation, &view));
            rows = rows.and(whole.map_or_else(Predicate::nothing, |whole| whole.related(false, Predicate::all())));
        }
        let given_dimensions = asked.get(ReportQuestion::dimensions);
        let mut dimensions = Vec::new();
        for (place, given) in given_dimensions.iter().enumerate() {
            dimensions.extend(reading.dimension(place, given));
        }
        reading.different(given_dimensions.iter().map(question::Dimension::called), "dimensions");
        let given_measures = asked.get(ReportQuestion::measures);
        if given_measures.is_empty() {
            reading.faults.add(Fault::new(ReportQuestion::measures.pointer(), FaultCode::Required));
        }
        reading.different(
            given_dimensions.iter().map(question::Dimension::called).chain(given_measures.iter().map(question::Measure::called)),
            "measures",
        );
        if reading.faults.0.is_empty() {
            let mut measures: Vec<Measure> = Vec::new();
            for (place, given) in given_measures.iter().enumerate() {
                if let Some(measure) = reading.measure(place, given, &measures, &mut dimensions) {
                    measures.push(measure);
                }
            }
            let conversion = reading.conversion(asked, standards.currency, &measures);
            if reading.faults.0.is_empty() {
                reading.tops(&given_dimensions, &mut dimensions, &measures);
                let (sort, pivot, totals) = reading.layout(asked, &dimensions, &measures);
                let having = asked.get(ReportQuestion::having).and_then(|having| {
                    let names: Vec<&str> = measures.iter().map(|measure| measure.name.as_str()).collect();
                    reading.keep(Having::read(having, &names), &ReportQuestion::having.pointer())
                });
                let limit = asked.get(ReportQuestion::limit);
                let chart = asked.get(ReportQuestion::chart);
                let charting = Charting::read(chart, &dimensions, &measures, !sort.is_empty(), &mut reading.faults);
                reading.faults.into_result(())?;
                return Ok(Question {
                    object,
                    zone,
                    fiscal,
                    dimensions,
                    measures,
                    rows,
                    as_of,
                    filter,
                    having,
                    sort,
                    limit: usize::try_from(limit).unwrap_or(1),
                    totals,
                    pivot,
                    conversion,
                    charting,
                });
            }
        }
        Err(reading.faults.into())
    }
}

impl Question {
    /// Whether a parameter of a report is a comparison that its object allows.
    pub fn check_parameter(&self, asker: &Principal, now: Timestamp, parameter: &Parameter) -> Result<(), Faults> {
        let view = in_zone(asker, now, self.zone);
        let path = &parameter.field;
        let is_missing = json!({"field": path, "op": Op::Null.as_str(), "value": true});
        parse::from_json(self.object, &is_missing, &view)?;
        match &parameter.default {
            Some(value) => {
                let test = json!({"field": path, "op": parameter.op, "value": value});
                parse::from_json(self.object, &test, &view).map(drop).map_err(|mut faults| {
                    for fault in &mut faults.0 {
                        fault.pointer = fault.pointer.replacen("/value", "/default", 1);
                    }
                    faults
                })
            }
            None => Ok(()),
        }
    }
}

/// The word for the tenant's own currency.
const BASE: &str = "base";

/// The date that decides at which rate the amounts of an object are converted, unless the question names another.
fn rated_by(object: &Object) -> Option<&'static str> {
    Some(match object.name {
        Opportunity::NAME => Opportunity::closed_at.name(),
        Order::NAME => Order::ordered_on.name(),
        Payment::NAME => Payment::paid_on.name(),
        Refund::NAME => Refund::refunded_on.name(),
        _ => return None,
    })
}

/// What the asker sees, with the days of the question's time zone.
pub fn in_zone(principal: &Principal, now: Timestamp, zone: Tz) -> AskerView<'_> {
    let standards = Standards { zone, ..principal.standards(now) };
    AskerView { standards, ..principal.view(now) }
}

/// The object asked about, by its name or its collection.
fn subject(asker: &Principal, name: &str) -> Result<&'static Object, Problem> {
    let found = registry::named(name).or_else(|| registry::collection(name));
    let found = found.ok_or_else(|| {
        let known = registry::objects().into_iter().map(|object| object.collection);
        unknown(ReportQuestion::object.pointer(), FaultCode::UnknownChoice, name, known)
    })?;
    asker.asker.rows(found, Action::Read).ok_or_else(|| Problem::forbidden(Action::Read.as_str(), found.name))?;
    Ok(found)
}

impl Reading<'_> {
    fn keep<T>(&mut self, found: Result<T, Faults>, pointer: &str) -> Option<T> {
        found.map_err(|found| self.faults.extend(found.0.into_iter().map(|fault| fault.under(pointer)))).ok()
    }

    /// What is in the answer bears names that differ.
    fn different(&mut self, names: impl Iterator<Item = String>, part: &str) {
        let mut seen = Vec::new();
        for name in names {
            if seen.contains(&name) {
                self.faults.add(Fault::new(format!("/{part}"), FaultCode::Repeated));
            }
            seen.push(name);
        }
    }

    fn dimension(&mut self, place: usize, given: &question::Dimension) -> Option<Dimension> {
        let pointer = format!("/{}/{place}", ReportQuestion::dimensions.name());
        let at = |member: &str| format!("{pointer}/{member}");
        let group = match summary::group_of(&self.schema, &given.field, self.view) {
            Ok(group) => group,
            Err(fault) => {
                self.faults.add(fault.under(&at("field")));
                return None;
            }
        };
        let kind = group.field.kind.clone();
        let is_time = kind == FieldType::DateTime;
        let is_dated = is_time || kind == FieldType::Date;
        let is_number = matches!(kind, FieldType::Integer { .. } | FieldType::Decimal | FieldType::Money);
        let mut refuse = |member: &str, expected: &'static str| {
            self.faults.add(Fault::new(at(member), FaultCode::WrongType).with("expected", expected));
        };
        if group.leads_to_many() && (given.bucket.is_some() || given.ranges.is_some()) {
            refuse("field", "a field of the record itself or of one related record, for buckets and ranges");
        }
        if given.bucket.is_some() && !is_dated {
            refuse("bucket", "a bucket of a date or time only");
        }
        if given.bucket.is_none() && is_time {
            refuse("bucket", "a bucket, as times are not grouped one by one");
        }
        let standards = self.view.standards();
        let day = |text: &Option<String>| question::day(text.as_deref()?, &standards);
        let (from, to) = (day(&given.from), day(&given.to));
        for (member, day) in [("from", from), ("to", to)] {
            if day.is_some() && given.bucket.is_none() {
                refuse(member, "a day of a field with a bucket");
            }
        }
        if given.ranges.is_some() && !is_number {
            refuse("ranges", "ranges of a number only");
        }
        if given.ranges.is_none() && kind == FieldType::Money {
            refuse("ranges", "ranges, as amounts are not grouped one by one");
        }
        if given.top.is_some() && (given.bucket.is_some() || given.ranges.is_some()) {
            refuse("top", "the first values of a field without buckets and ranges");
        }
        if let (Some(from), Some(to)) = (from, to)
            && to <= from
        {
            self.faults.add(Fault::new(at("to"), FaultCode::TooEarly).with("min", from));
        }
        let cut = match (given.bucket, &given.ranges) {
            (Some(bucket), _) => Cutting::Buckets { bucket, from, to, fill: given.fill },
            (None, Some(bounds)) => Cutting::Ranges(bounds.clone()),
            (None, None) => Cutting::Each,
        };
        Some(Dimension { name: given.called(), path: given.field.clone(), group, cut, top: None, lead: Lead::None })
    }

    /// The place of a measure that was named before.
    fn former(&mut self, pointer: String, name: &str, known: &[Measure]) -> Option<usize> {
        self.among(pointer, name, &known.iter().map(|measure| measure.name.as_str()).collect::<Vec<_>>())
    }

    fn dimension_named(&mut self, pointer: String, name: &str, dimensions: &[Dimension]) -> Option<usize> {
        self.among(pointer, name, &dimensions.iter().map(|dimension| dimension.name.as_str()).collect::<Vec<_>>())
    }

    /// The place of a name among those that there are.
    fn among(&mut self, pointer: String, name: &str, names: &[&str]) -> Option<usize> {
        let place = names.iter().position(|known| *known == name);
        if place.is_none() {
            let fault = unknown(pointer, FaultCode::UnknownChoice, name, names.iter().copied());
            self.faults.add(fault);
        }
        place
    }

    /// A dimension along which time passes.
    fn course(&mut self, pointer: String, name: Option<&str>, dimensions: &[Dimension]) -> Option<usize> {
        let passes = |dimension: &Dimension| matches!(&dimension.cut, Cutting::Buckets { bucket, .. } if !bucket.is_cyclic());
        let place = match name {
            Some(name) => self.dimension_named(pointer.clone(), name, dimensions)?,
            None => dimensions.iter().position(passes).unwrap_or(dimensions.len()),
        };
        if dimensions.get(place).is_some_and(passes) {
            return Some(place);
        }
        self.faults.add(
            Fault::new(pointer, FaultCode::WrongType).with("expected", "a dimension of dates in buckets that follow each other"),
        );
        None
    }

    fn measure(
        &mut self,
        place: usize,
        given: &question::Measure,
        known: &[Measure],
        dimensions: &mut [Dimension],
    ) -> Option<Measure> {
        let pointer = format!("/{}/{place}", ReportQuestion::measures.name());
        let at = |member: &str| format!("{pointer}/{member}");
        let name = given.called();
        if let Some(function) = given.function {
            let field = self.measured(function, given.field.as_deref(), &at("field"));
            let filter = given.filter.as_ref().map(|filter| pinned(filter, &self.schema, self.view));
            let of = match &filter {
                Some(filter) => Some(self.keep(parse::from_json(self.object, filter, self.view), &at("filter"))?),
                None => None,
            };
            return Some(Measure {
                name,
                label: given.label.clone().or_else(|| given.name.clone()),
                how: How::Read { function, field: field?, of },
                filter,
            });
        }
        for (member, is_given) in [("field", given.field.is_some()), ("filter", given.filter.is_some())] {
            if is_given {
                self.faults.add(
                    Fault::new(at(member), FaultCode::Conflicting)
                        .with("other", if given.ratio.is_some() { "ratio" } else { "of" }),
                );
            }
        }
        let derived = if let Some(pair) = &given.ratio {
            let above = self.former(at("ratio/0"), &pair[0], known);
            let below = self.former(at("ratio/1"), &pair[1], known);
            Derived::Ratio(above?, below?)
        } else {
            let of = self.former(at("of"), given.of.as_deref().unwrap_or_default(), known)?;
            if (given.running.is_some() || given.within.is_some()) && !known[of].adds_up(known) {
                self.faults.add(Fault::new(at("of"), FaultCode::WrongType).with("expected", "a count or sum, which adds up"));
            }
            if let Some(along) = &given.running {
                Derived::Running { of, along: self.course(at("running"), Some(along), dimensions)? }
            } else if let Some(within) = &given.within {
                let places: Vec<Option<usize>> = within
                    .iter()
                    .enumerate()
                    .map(|(place, name)| self.dimension_named(at(&format!("within/{place}")), name, dimensions))
                    .collect();
                Derived::Share { of, within: places.into_iter().collect::<Option<Vec<_>>>()? }
            } else {
                let along = self.course(at("along"), given.along.as_deref(), dimensions)?;
                let with = given.compare?;
                let lead = match with {
                    question::Comparison::PreviousPeriod => Lead::Period,
                    question::Comparison::SamePeriodLastYear => Lead::Year,
                    question::Comparison::FirstPeriod => Lead::None,
                };
                dimensions[along].lead = dimensions[along].lead.max(lead);
                Derived::Compared { of, along, with, show: given.show }
            }
        };
        Some(Measure {
            name,
            label: given.label.clone().or_else(|| given.name.clone()),
            how: How::Derived(derived),
            filter: None,
        })
    }

    /// The currency that amounts are converted to, and the date that decides the rate. Only sums and means are converted: which amount is
    /// the least would otherwise depend on how each was rounded.
    fn conversion(&mut self, asked: &Record<ReportQuestion>, base: Currency, measures: &[Measure]) -> Option<Conversion> {
        let (currency, rate_date) = (asked.get(ReportQuestion::currency), asked.get(ReportQuestion::rate_date));
        let Some(currency) = currency else {
            if rate_date.is_some() {
                self.faults.add(Fault::new(ReportQuestion::currency.pointer(), FaultCode::Required));
            }
            return None;
        };
        let to = if currency == BASE { Ok(base) } else { currency.to_uppercase().parse() };
        if to.is_err() {
            self.faults.add(Fault::new(ReportQuestion::currency.pointer(), FaultCode::UnknownCurrency));
        }
        for (place, measure) in measures.iter().enumerate().filter(|(_, measure)| measure.is_money()) {
            if !matches!(&measure.how, How::Read { function: Function::Sum | Function::Avg, .. }) {
                let pointer = format!("/{}/{place}/fn", ReportQuestion::measures.name());
                let expected = "a sum or mean of amounts, as `currency` is given";
                self.faults.add(Fault::new(pointer, FaultCode::WrongType).with("expected", expected));
            }
        }
        let by = rate_date.or_else(|| rated_by(self.object));
        let by = by.and_then(|name| match summary::group_of(&self.schema, name, self.view) {
            Err(fault) => {
                self.faults.add(fault.under(&ReportQuestion::rate_date.pointer()));
                None
            }
            Ok(group) if group.leads_to_many() || !matches!(group.field.kind, FieldType::Date | FieldType::DateTime) => {
                let fault = Fault::new(ReportQuestion::rate_date.pointer(), FaultCode::WrongType);
                self.faults.add(fault.with("expected", "a date or time of the record itself or of one related record"));
                None
            }
            Ok(group) => Some((name.to_owned(), group)),
        });
        Some(Conversion { to: to.ok()?, by })
    }

    /// The field that a function is computed of; none where it counts records.
    fn measured(&mut self, function: Function, name: Option<&str>, pointer: &str) -> Option<Option<Field>> {
        let Some(name) = name else {
            if function == Function::Count {
                return Some(None);
            }
            self.faults.add(Fault::new(pointer, FaultCode::Required));
            return None;
        };
        let fits = |field: &Field| match function {
            Function::Count => summary::is_single(field) || field.kind == FieldType::Money,
            Function::Distinct => summary::is_single(field),
            Function::Sum | Function::Avg | Function::Median | Function::P90 => Figure::Sum.fits(field),
            Function::Min | Function::Max => Figure::Least.fits(field),
        };
        let found = path::visible_field(&self.schema, name, self.view).filter(|field| fits(field)).cloned();
        if found.is_none() {
            let visible = self.schema.fields().filter(|field| fits(field) && self.view.sees(self.object, field));
            let names: Vec<String> = visible.map(Field::path).collect();
            let fault = unknown(pointer.to_owned(), FaultCode::UnknownChoice, name, names.iter().map(String::as_str));
            self.faults.add(fault);
        }
        found.map(Some)
    }

    /// The first values, once the measures are known that they are found by.
    fn tops(&mut self, given: &[question::Dimension], dimensions: &mut [Dimension], measures: &[Measure]) {
        for (place, given) in given.iter().enumerate() {
            let Some(top) = &given.top else { continue };
            let pointer = format!("/{}/{place}/top/by", ReportQuestion::dimensions.name());
            let Some(by) = self.former(pointer.clone(), &top.by, measures) else { continue };
            let is_own = match &measures[by].how {
                How::Read { .. } | How::Derived(Derived::Ratio(..)) => true,
                How::Derived(_) => false,
            };
            if !is_own {
                self.faults.add(Fault::new(pointer, FaultCode::WrongType).with("expected", "a measure that needs no other rows"));
                continue;
            }
            dimensions[place].top = Some(Top { n: usize::try_from(top.n).unwrap_or(1), by, other: top.other, least: top.least });
        }
    }

    #[allow(clippy::type_complexity, reason = "what is laid out, read together")]
    fn layout(
        &mut self,
        asked: &Record<ReportQuestion>,
        dimensions: &[Dimension],
        measures: &[Measure],
    ) -> (Vec<(bool, By)>, Option<(Vec<usize>, Vec<usize>)>, Vec<Totals>) {
        let names: Vec<&str> = dimensions
            .iter()
            .map(|dimension| dimension.name.as_str())
            .chain(measures.iter().map(|measure| measure.name.as_str()))
            .collect();
        let mut sort = Vec::new();
        for (place, text) in asked.get(ReportQuestion::sort).iter().enumerate() {
            let (descending, name) = text.strip_prefix('-').map_or((false, text.as_str()), |name| (true, name));
            let pointer = format!("/{}/{place}", ReportQuestion::sort.name());
            let by = self.among(pointer, name, &names).map(|place| match place.checked_sub(dimensions.len()) {
                None => By::Dimension(place),
                Some(place) => By::Measure(place),
            });
            sort.extend(by.map(|by| (descending, by)));
        }
        let pivot = asked.get(ReportQuestion::pivot).and_then(|pivot| self.pivot(&pivot, dimensions));
        let kinds: Vec<&str> = Totals::ALL.iter().map(|totals| totals.as_str()).collect();
        let mut totals = Vec::new();
        for (place, name) in asked.get(ReportQuestion::totals).iter().enumerate() {
            let pointer = format!("/{}/{place}", ReportQuestion::totals.name());
            let known = self.among(pointer, name, &kinds).map(|kind| Totals::ALL[kind]);
            if matches!(known, Some(Totals::Rows | Totals::Columns)) && pivot.is_none() {
                self.faults.add(Fault::new(ReportQuestion::pivot.pointer(), FaultCode::Required));
            }
            totals.extend(known);
        }
        (sort, pivot, totals)
    }

    /// Each dimension is down the side or along the top.
    fn pivot(&mut self, pivot: &Pivot, dimensions: &[Dimension]) -> Option<(Vec<usize>, Vec<usize>)> {
        let pointer = ReportQuestion::pivot.pointer();
        let mut seen = Vec::new();
        let mut places = |names: &[String], side: &str| -> Vec<usize> {
            let mut found = Vec::new();
            for (place, name) in names.iter().enumerate() {
                let at = format!("{pointer}/{side}/{place}");
                let Some(dimension) = self.dimension_named(at.clone(), name, dimensions) else { continue };
                if seen.contains(&dimension) {
                    self.faults.add(Fault::new(at, FaultCode::Repeated));
                }
                seen.push(dimension);
                found.push(dimension);
            }
            found
        };
        let (rows, columns) = (places(&pivot.rows, "rows"), places(&pivot.columns, "columns"));
        if let Some(missing) = dimensions.iter().enumerate().find(|(place, _)| !seen.contains(place)) {
            let fault = Fault::new(pointer, FaultCode::WrongType).with("expected", "every dimension in rows or columns");
            self.faults.add(fault.with("missing", &missing.1.name));
        }
        Some((rows, columns))
    }
}
