//! Farley, the headless CRM: the HTTP API and the command line.

pub mod access;
pub mod activities;
pub mod app;
pub mod automation;
pub mod bench;
pub mod cli;
pub mod customers;
pub mod demo;
pub mod http;
pub mod identity;
pub mod integration;
pub mod openapi;
pub mod records;
pub mod reporting;
pub mod sales;
pub mod service;
pub mod settings;
