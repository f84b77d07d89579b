//! Farley over real HTTP: every test on a server and a database of its own, for both engines.

#[path = "../support/mod.rs"]
mod support;

mod client;
mod customers;
mod server;

fn main() {
    support::main_with(tests![
        customers::are_created_read_changed_and_archived,
    ]);
}
