//! The store on both engines.

#[path = "../support/mod.rs"]
mod support;

mod crm;
mod migrations;
mod predicates;
mod sample;

fn main() {
    support::main_with(tests![
        migrations::down_and_up_again,
        predicates::days_begin_where_the_tenant_is,
        predicates::folding_is_the_same,
        predicates::pages_follow_the_order,
        predicates::records_read_back_as_written,
        predicates::sql_and_memory_agree,
    ]);
}
