//! Farley over real HTTP: every test on a server and a database of its own, for both engines.
//!
//! A case lies at the path of what it tests, and its area lists it: a case or an area that nobody lists is dead code, and a file
//! that no module names is found by `conventions::registration`.

#![deny(dead_code)]
#![allow(clippy::module_inception, reason = "modules are named as the collections are, and an area may have one of its own name")]

#[path = "../support/mod.rs"]
mod support;

mod activities;
mod app;
mod automation;
mod bridge;
mod cli;
mod client;
mod conventions;
mod customers;
mod identity;
mod integration;
mod mail;
mod mail_servers;
mod reporting;
mod sales;
mod server;
mod service;

fn main() {
    farley::http::tls::provide();
    let areas = [
        activities::tests(),
        app::tests(),
        automation::tests(),
        cli::tests(),
        conventions::tests(),
        customers::tests(),
        identity::tests(),
        integration::tests(),
        reporting::tests(),
        sales::tests(),
        service::tests(),
    ];
    support::main_with(areas.into_iter().flatten().collect());
}
