//! Farley's domain: entities, value objects, rules and the predicate language.
//!
//! Nothing here reads a clock, a file, a socket or a database; what a rule needs comes in as a value.

pub mod calendar;
pub mod cell;
pub mod cursor;
pub mod entity;
pub mod event;
pub mod fault;
pub mod field;
pub mod handle;
pub mod id;
pub mod indexing;
pub mod input;
pub mod object;
pub mod predicate;
pub mod query;
pub mod record;
pub mod recurring;
pub mod registry;
pub mod time;
pub mod value;

pub mod activities;
pub mod catalog;
pub mod customers;
pub mod identity;
pub mod integration;
pub mod marketing;
pub mod sales;

pub mod country;
pub mod email;
pub mod money;
pub mod name;
pub mod phone;
pub mod search_text;
pub mod social_credit_code;
pub mod text;
pub mod url;
