//! Values and what is known of each kind: texts, names, phones, money, times. They know nothing of objects and their fields.

pub mod calendar;
pub mod country;
pub mod email;
pub mod id;
pub mod json;
pub mod language;
pub mod money;
pub mod name;
pub mod number;
pub mod phone;
pub mod search_text;
pub mod social_credit_code;
pub mod text;
pub mod time;
pub mod url;
