//! Reports of the desk: how much came and went, how long customers waited, and which promises were kept. Each figure says which
//! tickets it counts.

pub mod satisfaction;
pub mod sla;
pub mod times;
pub mod volume;

use std::collections::HashMap;

use actix_web::HttpRequest;
use chrono::{Days, NaiveDate};
use farley_domain::{
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        field::Op,
        handle::Handle,
        record::Record,
    },
    query::{list::ListQuery, predicate::parse::parameter_as_json},
    service::ticket::Ticket,
    values::{
        calendar::{day_of, start_of_day},
        time::Timestamp,
    },
};
use farley_persistence::{Cell, Group, StoreError};
use serde_json::{Value, json};

use super::condition;
use crate::{
    access::call::Call,
    http::{problem::Problem, request::parameters},
    records::{body, summary},
};

/// How many values a report may be sliced into.
const MOST_SLICES: usize = 1_000;
/// How many tickets a report may be made of that looks at each.
const MOST_TICKETS: usize = 500_000;
/// The name of the field to slice by.
const SLICE: &str = "slice";

/// A number of tickets, and where to list them.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct ServiceFigure {
    #[schema(example = 42)]
    pub count: i64,
    /// Lists them: the `filter` of `POST /v1/tickets/search`.
    #[schema(value_type = Object)]
    pub filter: Value,
}

/// What a report is asked for, beside what only it takes.
struct Asked {
    query: ListQuery,
    /// The parameters that are filters.
    filters: Vec<(String, String)>,
    /// The filters that all figures share.
    base: Vec<Value>,
    slice: Option<Slice>,
}

/// What is sliced by.
struct Slice {
    name: String,
    group: Group,
}

impl Asked {
    /// Reads the parameters of a report, with every fault of them.
    fn read<O: Entity, Q: Entity>(
        call: &Call,
        request: &HttpRequest,
        needed: &[&farley_domain::model::field::Field],
    ) -> Result<(Record<Q>, Asked), Problem> {
        let object = O::object();
        call.rows(object, Action::Read)?;
        call.demand_fields(object, needed)?;
        let mut parameters = parameters(request)?;
        let view = call.view();
        let mut faults = Faults::default();
        let name = parameters.iter().find(|(name, _)| name == SLICE).map(|(_, name)| name.clone());
        let slice = name.and_then(|name| {
            let group = faults.keep(summary::group(object, &name, SLICE, &view))?;
            Some(Slice { name, group })
        });
        let asked = match body::take_query::<Q>(&mut parameters) {
            Ok(asked) => Some(asked),
            Err(found) => {
                faults.extend(found.0);
                None
            }
        };
        let query = summary::filters(object, &mut parameters, faults, &view)?;
        if query.as_of.is_some() {
            return Err(Fault::new(farley_domain::query::past::AS_OF, FaultCode::UnknownParameter).into());
        }
        let Some(asked) = asked else { return Err(Problem::not_found()) };
        let base = parameters.iter().filter_map(|(name, text)| parameter_as_json(object, name, text, &view)).collect();
        Ok((asked, Asked { query, filters: parameters, base, slice }))
    }

    fn group(&self) -> Option<&Group> {
        self.slice.as_ref().map(|slice| &slice.group)
    }

    /// The filter of a figure of one slice.
    fn filter(&self, slice: &Cell, more: impl IntoIterator<Item = Value>) -> Result<Value, StoreError> {
        let mut filters = self.base.clone();
        if let Some(by) = &self.slice {
            filters.push(match slice {
                // Also where there is no related record to have a value.
                Cell::Null => json!({"not": {"field": by.name, "op": "null", "value": false}}),
                value => json!({"field": by.name, "op": "eq", "value": value.to_value()?}),
            });
        }
        filters.extend(more);
        Ok(json!({"and": filters}))
    }

    fn figure(&self, slice: &Cell, count: usize, more: impl IntoIterator<Item = Value>) -> Result<ServiceFigure, StoreError> {
        Ok(ServiceFigure { count: i64::try_from(count).unwrap_or(i64::MAX), filter: self.filter(slice, more)? })
    }
}

/// That a field has a value.
fn given<E, T>(handle: Handle<E, T>) -> Value {
    condition(handle, Op::Null, false)
}

/// The times from and to that days mean: from the first until the day before the other, or until today.
struct Span {
    from: NaiveDate,
    to: NaiveDate,
    zone: chrono_tz::Tz,
}

impl Span {
    fn of((from, to): (Option<NaiveDate>, Option<NaiveDate>), zone: chrono_tz::Tz, now: Timestamp) -> Result<Span, Problem> {
        let tomorrow = || day_of(now, zone).checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
        let from = from.ok_or_else(|| Fault::new("from", FaultCode::Required))?;
        let to = to.unwrap_or_else(tomorrow);
        if to <= from {
            return Err(Fault::new("to", FaultCode::TooEarly).with("min", from).into());
        }
        Ok(Span { from, to, zone })
    }

    fn start(&self) -> Timestamp {
        start_of_day(self.from, self.zone)
    }

    fn end(&self) -> Timestamp {
        start_of_day(self.to, self.zone)
    }

    /// That a ticket was opened then.
    fn opened(&self) -> [Value; 2] {
        [condition(Ticket::opened_at, Op::Gte, self.start()), condition(Ticket::opened_at, Op::Lt, self.end())]
    }
}

/// What is counted of each slice, by the slices' values.
struct Slices<T> {
    known: HashMap<String, usize>,
    found: Vec<(Cell, T)>,
}

impl<T: Default> Slices<T> {
    /// Without a slice there is one, of nothing too.
    fn of(asked: &Asked) -> Slices<T> {
        let mut slices = Slices { known: HashMap::new(), found: Vec::new() };
        if asked.slice.is_none() {
            slices.found.push((Cell::Null, T::default()));
            slices.known.insert(Value::Null.to_string(), 0);
        }
        slices
    }

    fn at(&mut self, value: Cell) -> Result<&mut T, StoreError> {
        let key = value.to_value()?.to_string();
        let place = *self.known.entry(key).or_insert(self.found.len());
        if place == self.found.len() {
            self.found.push((value, T::default()));
        }
        Ok(&mut self.found[place].1)
    }

    /// Those with the most first, of equals by their values; refused, if they are too many to be shown.
    fn sorted(self, size: impl Fn(&T) -> usize) -> Result<Vec<(Cell, T)>, Problem> {
        if self.found.len() > MOST_SLICES {
            return Err(Fault::new(SLICE, FaultCode::TooMany).with("max", MOST_SLICES).into());
        }
        let mut found = self.found;
        found.sort_by_cached_key(|(value, counted)| {
            let value = value.to_value().map(|value| value.to_string()).unwrap_or_default();
            (std::cmp::Reverse(size(counted)), value)
        });
        Ok(found)
    }
}

/// A share; none of nothing.
fn ratio(part: usize, whole: usize) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    (whole != 0).then(|| part as f64 / whole as f64)
}
