//! What comes from other systems and goes to them.

mod batch;
mod bulk;
mod bulk_changes;
mod changes;
mod exports;
pub mod files;
pub mod imports;
mod locks;
mod streams;
mod webhooks;

use crate::{support::Test, tests};

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    let changes = tests![
        exports::are_asked_for_as_lists_are,
        exports::are_files_of_what_may_be_seen,
        exports::files_expire_after_a_week,
        exports::imported_again_change_nothing,
        changes::are_missed_by_no_reader,
        changes::are_read_from_either_end_and_in_part,
        changes::tell_what_happened_in_order
    ];
    let bulk = tests![
        batch::later_operations_refer_to_earlier_ones,
        batch::failures_undo_what_they_are_to,
        batch::envelopes_are_judged_first,
        bulk::each_record_has_its_own_outcome,
        bulk::requests_are_judged_first,
        bulk::records_are_found_by_their_keys,
        bulk::nothing_is_left_of_what_is_undone,
        bulk::rights_are_those_of_each_record,
        bulk::repeated_requests_tell_the_truth,
        bulk::many_write_the_same_keys_at_once,
        bulk::a_killed_request_goes_on_when_it_is_repeated,
        bulk_changes::any_records_are_changed_alike,
        bulk_changes::the_number_expected_is_the_number_changed
    ];
    let streams = tests![
        streams::tell_what_the_feed_tells,
        streams::miss_nothing_of_many_writers,
        streams::show_what_their_caller_may_know,
        streams::are_opened_by_a_ticket_each,
        streams::begin_anew_where_there_is_no_such_place,
        streams::are_not_too_many,
        locks::say_who_is_editing,
        locks::are_within_rights,
        locks::are_listed_page_by_page;
        postgres:
            streams::hear_other_nodes => "a file has one server"
    ];
    let webhooks = tests![
        webhooks::events_are_posted_as_they_are_asked_for,
        webhooks::what_fails_is_tried_again_and_holds_back_its_record_alone,
        webhooks::paused_they_lose_nothing_and_are_replayed,
        webhooks::deliver_within_the_rights_of_whoever_set_them_up,
        webhooks::are_disabled_when_nobody_wants_them,
        webhooks::are_judged_before_they_are_stored,
        webhooks::a_long_backlog_stays_in_the_log
    ];
    bulk.into_iter().chain(changes).chain(files::tests()).chain(imports::tests()).chain(streams).chain(webhooks).collect()
}
