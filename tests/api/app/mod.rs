//! The process: how it starts, serves and ends.

pub mod crash;
mod documentation;
mod hang;
mod metadata;
mod readme;
pub mod start;
mod traces;

use crate::{support::Test, tests};

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    let traces = tests![traces::are_sent_to_a_collector];
    let process = tests![
        crash::a_newer_database_is_refused,
        crash::killed_under_load_nothing_is_lost,
        crash::told_to_end_it_ends_soon,
        crash::told_to_end_it_ends_well,
        readme::works_from_top_to_bottom,
        start::the_address_says_what_it_is,
        start::a_start_that_cannot_listen_makes_nothing,
        documentation::is_served_whole_and_in_parts,
        documentation::traces_are_answered,
        metadata::tells_one_object_at_a_time,
        metadata::helps_in_both_languages,
        metadata::tells_the_filters_that_lists_take,
        metadata::tells_what_the_caller_may_do,
        metadata::tells_what_there_is_to_choose_from,
        start::stopping_finishes_what_was_accepted,
        start::the_second_start_makes_nothing,
        start::recurring_jobs_wait_once;
        sqlite:
            crash::a_file_has_one_server => "PostgreSQL has any number of nodes",
            crash::a_full_disk_lets_people_in => "the disk of PostgreSQL is its server's",
            crash::a_full_disk_refuses_writes_alone => "the disk of PostgreSQL is its server's",
            crash::a_read_only_disk_is_read => "the disk of PostgreSQL is its server's";
        postgres:
            crash::an_import_given_up_goes_on => "its table is taken away from beside",
            crash::an_import_survives_restarts => "a file has no connection to lose",
            crash::a_lost_connection_comes_back => "a file has no connection to lose",
            hang::a_database_that_hangs_is_not_waited_for => "a file does not hang",
            start::two_nodes_start_at_once_on_an_empty_database => "one file, one node"
    ];
    process.into_iter().chain(traces).collect()
}
