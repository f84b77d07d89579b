//! `/v1/opportunities`: moves with their checks, line items, the board, and the past.

mod board;
mod create;
mod history;
mod line_items;
mod moves;
mod past;

use crate::{support::Test, tests};

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    tests![
        board::cards_stay_where_they_are_dropped,
        board::closed_stages_tell_why,
        create::begins_in_the_first_stage,
        history::is_one_state_at_any_time,
        history::lies_between_beginning_and_end,
        line_items::add_up_to_the_amount,
        line_items::are_reached_as_their_opportunity,
        moves::are_checked_and_kept,
        moves::follow_the_pipeline,
        moves::succeed_for_one_of_two,
        past::is_read_by_who_may_read_now,
        past::is_read_from_the_ledger
    ]
}
