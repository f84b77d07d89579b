//! Settings of frontends: JSON by key, of the tenant or of one user. Farley keeps them and reads nothing into them.

use serde_json::{Value, json};

use crate::{
    entity,
    model::{
        fault::{Fault, FaultCode, Faults},
        field::Structure,
    },
};

/// The longest key, in characters.
pub const LONGEST_KEY: usize = 100;
/// The largest value, in bytes of JSON.
pub const LARGEST_VALUE: usize = 64 * 1024;
/// The most settings of a user.
pub const MOST_OF_USER: i64 = 200;
/// The most settings of a tenant.
pub const MOST_OF_TENANT: i64 = 500;

/// Any JSON.
pub static ANY: Structure = Structure::PLAIN;

entity! {
    /// A setting: a value that frontends keep by key. It is no record of the registry: what may be done with it is asked for alike, but
    /// it is read and written by its own endpoints.
    pub struct Setting("setting", "settings", "settings", "Setting", "设置") [] {
        /// Its key, unique in the tenant, or among those of its user.
        key: String => text(LONGEST_KEY).required().on_create().label("Key", "键").example("ui.list.columns"),
        /// Any JSON.
        value: Option<Value> => structure(&ANY).opaque().label("Value", "值").example(json!({"columns": ["name", "owner_id"]})),
    }
    extend |object| object.configuration().titled("key")
}

/// Whether a text consists of what keys consist of; the beginning of a key does.
#[must_use]
pub fn is_of_key(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    text.len() <= LONGEST_KEY && text.bytes().all(fits)
}

/// The key that a request names.
pub fn key_of(text: &str) -> Result<&str, Fault> {
    Some(text).filter(|text| !text.is_empty() && is_of_key(text)).ok_or_else(|| invalid_key(Setting::key.name()))
}

/// The fault of a parameter that is no key, nor begins one.
#[must_use]
pub fn invalid_key(parameter: &str) -> Fault {
    Fault::new(parameter, FaultCode::InvalidSettingKey).with("max", LONGEST_KEY)
}

/// Refuses a value that is too large.
pub fn check_value(value: &Value) -> Result<(), Faults> {
    if value.to_string().len() <= LARGEST_VALUE {
        return Ok(());
    }
    Err(Fault::new(Setting::value.pointer(), FaultCode::TooManyBytes).with("max", LARGEST_VALUE).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_few_signs() {
        for key in ["a", "ui.list-columns_2", "0", &"x".repeat(LONGEST_KEY)] {
            assert_eq!(key_of(key), Ok(key));
        }
        for text in ["", "A", "a b", "a/b", "键", "a~", &"x".repeat(LONGEST_KEY + 1)] {
            assert!(key_of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_are_measured_as_json() {
        assert_eq!(check_value(&json!("x".repeat(LARGEST_VALUE - 2))), Ok(()));
        assert!(check_value(&json!("x".repeat(LARGEST_VALUE - 1))).is_err());
        // Three bytes a sign.
        assert!(check_value(&json!("汉".repeat(LARGEST_VALUE / 3))).is_err());
    }
}
