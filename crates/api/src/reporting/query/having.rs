//! Which rows are answered, by their figures: `{"field": "won", "op": "gte", "value": 100000}`, put together as predicates are.

use farley_domain::{
    model::{
        fault::{Fault, FaultCode, Faults, unknown},
        field::Op,
    },
    reporting::table::{Mixed, Row},
};
use serde_json::Value;

/// How deep conditions are put together at most.
const MAX_DEPTH: usize = 12;

pub enum Having {
    All(Vec<Having>),
    Any(Vec<Having>),
    Not(Box<Having>),
    /// The figure of a measure compares with a number; without a figure it does not.
    Compare(usize, Op, f64),
    /// Whether there is no figure.
    Missing(usize, bool),
}

impl Having {
    /// Reads a condition on measures by their names; pointers of faults are relative to it.
    pub fn read(given: &Value, names: &[&str]) -> Result<Having, Faults> {
        read(given, names, 0)
    }

    /// Whether a row is answered. Amounts count in minor units of their one currency.
    pub fn meets(&self, row: &Row) -> Result<bool, Mixed> {
        Ok(match self {
            Having::All(parts) => {
                for part in parts {
                    if !part.meets(row)? {
                        return Ok(false);
                    }
                }
                true
            }
            Having::Any(parts) => {
                for part in parts {
                    if part.meets(row)? {
                        return Ok(true);
                    }
                }
                false
            }
            Having::Not(part) => !part.meets(row)?,
            Having::Missing(measure, missing) => row.figures[*measure].number()?.is_none() == *missing,
            Having::Compare(measure, op, value) => row.figures[*measure].number()?.is_some_and(|figure| match op {
                Op::Gt => figure > *value,
                Op::Gte => figure >= *value,
                Op::Lt => figure < *value,
                Op::Lte => figure <= *value,
                Op::Ne => (figure - value).abs() > f64::EPSILON * value.abs(),
                _ => (figure - value).abs() <= f64::EPSILON * value.abs(),
            }),
        })
    }
}

fn read(given: &Value, names: &[&str], depth: usize) -> Result<Having, Faults> {
    let fault = |pointer: &str, code: FaultCode| Faults::from(Fault::new(pointer, code));
    let wrong =
        |pointer: &str, expected: &str| Faults::from(Fault::new(pointer, FaultCode::WrongType).with("expected", expected));
    if depth > MAX_DEPTH {
        return Err(Fault::new("", FaultCode::TooDeep).with("max", MAX_DEPTH).into());
    }
    let members = given.as_object().ok_or_else(|| wrong("", "an object"))?;
    if let (Some((name, parts)), 1) = (members.iter().next(), members.len())
        && matches!(name.as_str(), "and" | "or" | "not")
    {
        let under = |found: Faults, pointer: &str| Faults(found.0.into_iter().map(|fault| fault.under(pointer)).collect());
        if name == "not" {
            let part = read(parts, names, depth + 1).map_err(|found| under(found, "/not"))?;
            return Ok(Having::Not(Box::new(part)));
        }
        let parts = parts.as_array().ok_or_else(|| wrong(&format!("/{name}"), "a list"))?;
        let mut faults = Faults::default();
        let mut found = Vec::new();
        for (place, part) in parts.iter().enumerate() {
            match read(part, names, depth + 1) {
                Ok(part) => found.push(part),
                Err(wrong) => faults.extend(under(wrong, &format!("/{name}/{place}")).0),
            }
        }
        return faults.into_result(if name == "and" { Having::All(found) } else { Having::Any(found) });
    }
    let mut faults = Faults::default();
    for name in members.keys().filter(|name| !matches!(name.as_str(), "field" | "op" | "value")) {
        let pointer = format!("/{}", farley_domain::model::fault::pointer_token(name));
        faults.add(unknown(pointer, FaultCode::UnknownMember, name, ["field", "op", "value", "and", "or", "not"].into_iter()));
    }
    faults.into_result(())?;
    let name = members.get("field").and_then(Value::as_str).ok_or_else(|| fault("/field", FaultCode::Required))?;
    let measure = names.iter().position(|known| *known == name).ok_or_else(|| {
        let fault = unknown("/field".to_owned(), FaultCode::UnknownChoice, name, names.iter().copied());
        Faults::from(fault)
    })?;
    let value = members.get("value").ok_or_else(|| fault("/value", FaultCode::Required))?;
    let op = match members.get("op") {
        None => Op::Eq,
        Some(op) => op.as_str().and_then(Op::from_name).ok_or_else(|| wrong("/op", "eq, ne, gt, gte, lt, lte or null"))?,
    };
    match op {
        Op::Null => Ok(Having::Missing(measure, value.as_bool().ok_or_else(|| wrong("/value", "true or false"))?)),
        Op::Eq | Op::Ne | Op::Gt | Op::Gte | Op::Lt | Op::Lte => {
            Ok(Having::Compare(measure, op, value.as_f64().ok_or_else(|| wrong("/value", "a number"))?))
        }
        _ => Err(wrong("/op", "eq, ne, gt, gte, lt, lte or null")),
    }
}
