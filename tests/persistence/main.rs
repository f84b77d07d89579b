//! The store on both engines.

#[path = "../support/mod.rs"]
mod support;

mod migrations;

fn main() {
    support::main_with(tests![migrations::down_and_up_again]);
}
