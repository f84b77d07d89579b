//! Farley's domain: entities, value objects, rules and the predicate language.
//!
//! Nothing here reads a clock, a file, a socket or a database; what a rule needs comes in as a value.
//!
//! The rooms stand in storeys, each of which knows those before it: [`values`], [`model`], [`query`], then the areas.

pub mod values;

pub mod model;

pub mod query;

pub mod activities;
pub mod automation;
pub mod catalog;
pub mod customers;
pub mod identity;
pub mod integration;
pub mod marketing;
pub mod reporting;
pub mod sales;
pub mod service;
