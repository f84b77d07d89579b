//! Where somebody or something is, as a satellite receiver tells it, and what a technician reports from the road: when and where.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    model::{
        fault::{Fault, FaultCode, Faults},
        field::{Field, FieldType, Structure},
        value::{Members, Standards},
    },
    values::{id::Id, time::Timestamp},
};

/// How far a phone's clock may be ahead of ours, in seconds.
const AHEAD_SECONDS: i64 = 300;
/// How late a phone that had no connection may report, in seconds.
const LATE_SECONDS: i64 = 7 * 24 * 3600;
/// A hundred millionth of the way around the earth is a centimetre; receivers tell no more, though they write more digits.
const PLACES: f64 = 1e7;

/// A place on the earth, in degrees (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    pub latitude: f64,
    pub longitude: f64,
    /// How far off it may be, in metres.
    pub accuracy_m: Option<f64>,
}

/// What a technician reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// When it happened, by the technician's clock.
    pub at: Timestamp,
    /// When the server heard of it.
    pub recorded_at: Timestamp,
    /// Who reported it.
    pub user_id: Option<Id>,
    pub position: Option<Position>,
}

crate::structures! { Position, Report }

pub static POSITION: Structure = Structure { name: "position", accept, schema: position_schema, ..Structure::PLAIN };

pub static REPORT: Structure = Structure {
    name: "road_report",
    accept: |_, _| Err(Fault::new("", FaultCode::ReadOnly).into()),
    schema: || {
        let mut position = position_schema();
        position["type"] = json!(["object", "null"]);
        position["description"] = json!("Where it was reported from.");
        // What is only read stays open to members that are added later.
        if let Some(members) = position.as_object_mut() {
            members.shift_remove("additionalProperties");
        }
        json!({
            "type": ["object", "null"],
            "required": ["at", "recorded_at"],
            "additionalProperties": false,
            "properties": {
                "at": {"type": "string", "format": "date-time", "description": "When it happened, by the technician's clock.", "examples": ["2026-03-02T01:05:00.000Z"]},
                "recorded_at": {"type": "string", "format": "date-time", "description": "When the server heard of it.", "examples": ["2026-03-02T01:05:02.000Z"]},
                "user_id": {"type": ["string", "null"], "format": "uuid", "description": "The user who reported it."},
                "position": position
            }
        })
    },
    ..Structure::PLAIN
};

fn position_schema() -> Value {
    json!({
        "type": "object",
        "required": ["latitude", "longitude"],
        "additionalProperties": false,
        "properties": {
            "latitude": {"type": "number", "minimum": -90, "maximum": 90, "description": "Degrees north of the equator (WGS 84).", "examples": [22.543_096]},
            "longitude": {"type": "number", "minimum": -180, "maximum": 180, "description": "Degrees east of Greenwich (WGS 84).", "examples": [114.057_865]},
            "accuracy_m": {"type": ["number", "null"], "minimum": 0, "maximum": 1_000_000, "description": "How far off it may be, in metres.", "examples": [12.5]}
        }
    })
}

static FIELDS: LazyLock<[Field; 3]> = LazyLock::new(|| {
    [
        Field::new("latitude", FieldType::Decimal).required(),
        Field::new("longitude", FieldType::Decimal).required(),
        Field::new("accuracy_m", FieldType::Decimal),
    ]
});

/// The least and the most of each member.
const BOUNDS: [(&str, f64, f64); 3] = [("latitude", -90.0, 90.0), ("longitude", -180.0, 180.0), ("accuracy_m", 0.0, 1_000_000.0)];

fn accept(value: &Value, standards: &Standards<'_>) -> Result<Value, Faults> {
    let mut rounded = value.clone();
    for (name, _, _) in BOUNDS {
        let told = value.get(name).filter(|told| told.is_number()).and_then(Value::as_f64);
        if let Some(number) = told.filter(|number| number.abs() <= 1_000_000.0) {
            rounded[name] = json!((number * PLACES).round() / PLACES);
        }
    }
    let mut members = Members::read(&rounded, &*FIELDS, standards)?;
    for (name, min, max) in BOUNDS {
        let Some(number) = members.accepted.get(name).and_then(Value::as_f64) else { continue };
        if number < min {
            members.faults.add(Fault::new(format!("/{name}"), FaultCode::TooSmall).with("min", min));
        }
        if number > max {
            members.faults.add(Fault::new(format!("/{name}"), FaultCode::TooLarge).with("max", max));
        }
    }
    members.finish()
}

/// When something that is reported happened: as told, if a clock that is a little off or a phone without connection may tell so, and not
/// before what came before it; now, if nothing is told.
pub fn happened_at(
    told: Option<Timestamp>,
    now: Timestamp,
    not_before: Option<Timestamp>,
    pointer: &str,
) -> Result<Timestamp, Fault> {
    let at = told.unwrap_or(now);
    let earliest = now.plus_seconds(-LATE_SECONDS).max(not_before.unwrap_or(now.plus_seconds(-LATE_SECONDS)));
    let latest = now.plus_seconds(AHEAD_SECONDS);
    if at > latest {
        return Err(Fault::new(pointer, FaultCode::TooLate).with("max", latest));
    }
    // What was told by a clock that is ahead does not keep the next report from being of now.
    if at < earliest && told.is_some() {
        return Err(Fault::new(pointer, FaultCode::TooEarly).with("min", earliest));
    }
    Ok(at.max(earliest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::money::Currency;

    fn accepted(value: &Value) -> Result<Value, Vec<(String, &'static str)>> {
        let now = Timestamp::from_milliseconds(0);
        let standards = Standards { country: "CN", currency: Currency::CNY, zone: chrono_tz::UTC, now, user: None };
        accept(value, &standards)
            .map_err(|faults| faults.0.into_iter().map(|fault| (fault.pointer, fault.code.as_str())).collect())
    }

    #[test]
    fn positions_are_on_the_earth() {
        let precise =
            json!({"latitude": 39.909_230_000_000_014, "longitude": -116.397_428_123_456_78, "accuracy_m": 4.999_999_999_999_9});
        let kept = json!({"latitude": 39.90923, "longitude": -116.397_428_1, "accuracy_m": 5});
        assert_eq!(accepted(&precise).unwrap(), kept);
        let bare = accepted(&json!({"latitude": -90, "longitude": 180})).unwrap();
        assert_eq!(bare, json!({"latitude": -90, "longitude": 180, "accuracy_m": null}));
        let faults = |pairs: &[(&str, &'static str)]| Err(pairs.iter().map(|(at, code)| ((*at).to_owned(), *code)).collect());
        assert_eq!(accepted(&json!([1, 2])), faults(&[("", "wrong_type")]));
        assert_eq!(accepted(&json!({})), faults(&[("/latitude", "required"), ("/longitude", "required")]));
        let off = json!({"latitude": 90.000_001, "longitude": -180.1, "accuracy_m": -1});
        assert_eq!(
            accepted(&off),
            faults(&[("/latitude", "too_large"), ("/longitude", "too_small"), ("/accuracy_m", "too_small")])
        );
        let nonsense = json!({"latitude": "north", "longitude": 1e300, "accuracy_m": true, "altitude": 5});
        let told = [
            ("/altitude", "unknown_member"),
            ("/latitude", "invalid_decimal"),
            ("/longitude", "invalid_decimal"),
            ("/accuracy_m", "wrong_type"),
        ];
        assert_eq!(accepted(&nonsense), faults(&told));
    }

    #[test]
    fn phones_may_be_late_and_a_little_ahead() {
        let now = Timestamp::parse("2026-03-02T08:00:00Z").unwrap();
        let at = |seconds: i64| now.plus_seconds(seconds);
        let told = |seconds: i64, before: Option<i64>| {
            happened_at(Some(at(seconds)), now, before.map(at), "/at").map_err(|fault| fault.code.as_str())
        };
        assert_eq!(happened_at(None, now, Some(at(-60)), "/at"), Ok(now));
        assert_eq!(happened_at(None, now, Some(at(60)), "/at"), Ok(at(60)), "what came before was told by a clock that is ahead");
        assert_eq!((told(-3600, None), told(300, None), told(301, None)), (Ok(at(-3600)), Ok(at(300)), Err("too_late")));
        assert_eq!((told(-LATE_SECONDS, None), told(-LATE_SECONDS - 1, None)), (Ok(at(-LATE_SECONDS)), Err("too_early")));
        assert_eq!((told(-60, Some(-60)), told(-61, Some(-60))), (Ok(at(-60)), Err("too_early")));
    }
}
