//! Farley, the headless CRM: the HTTP API and the command line.

pub mod app;
pub mod bench;
pub mod call;
pub mod caller;
pub mod cli;
pub mod clock;
pub mod customers;
pub mod demo;
pub mod events;
pub mod frame;
pub mod handwritten;
pub mod health;
pub mod identity;
pub mod integration;
pub mod jobs;
pub mod limits;
pub mod metadata;
pub mod mutation;
pub mod openapi;
pub mod problem;
pub mod records;
pub mod search;
pub mod server;
pub mod settings;
pub mod versions;
pub mod workers;
