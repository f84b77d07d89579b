//! JSON as it is taken from clients: an object that says a member twice is refused (RFC 8259 leaves open which one is meant).

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// Reads a text; what is wrong with it comes as the parser says it.
pub fn read(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice::<Strict>(bytes).map(|strict| strict.0)
}

/// The largest integer up to which a number with a point holds each exactly.
const LARGEST_EXACT: f64 = 9_007_199_254_740_991.0;

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Strict, D::Error> {
        deserializer.deserialize_any(Members).map(Strict)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    /// `3.0` is the integer 3, as JSON Schema counts; clients of some languages write it so.
    #[allow(clippy::cast_possible_truncation, reason = "it is within what both hold exactly")]
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        let is_integer = value.fract() == 0.0 && value.abs() <= LARGEST_EXACT;
        Ok(if is_integer { (value as i64).into() } else { value.into() })
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                let shown: String = name.chars().take(100).collect();
                return Err(de::Error::custom(format_args!("the member `{shown}` is given twice")));
            }
            let Strict(value) = members.next_value()?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::read;

    #[test]
    fn what_is_said_once_is_read_as_it_stands() {
        let text = r#"{"b":[1,-2,3.5,18446744073709551615,null,true,{"x":"é"}],"a":{"x":{}}}"#;
        let value = read(text.as_bytes()).unwrap();
        assert_eq!(value, serde_json::from_str::<serde_json::Value>(text).unwrap());
        assert_eq!(value.to_string(), json!({"b": [1, -2, 3.5, u64::MAX, null, true, {"x": "é"}], "a": {"x": {}}}).to_string());
    }

    #[test]
    fn an_integer_is_one_however_it_is_written() {
        assert_eq!(
            read(b"[3.0, -1.5e1, 1e3, -0.0, 9007199254740991.0]").unwrap(),
            json!([3, -15, 1000, 0, 9_007_199_254_740_991_i64])
        );
        assert_eq!(read(b"[3.5, 1e16]").unwrap(), json!([3.5, 1e16]));
    }

    #[test]
    fn what_is_said_twice_is_refused() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":1,"b":2,"a":3}]}"#, r#"{"a":1,"\u0061":2}"#] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("the member `a` is given twice"), "{error}");
        }
        assert!(read(b"{\"a\":1}x").is_err() && read(b"").is_err());
    }
}
