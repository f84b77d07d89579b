//! Customers and their contacts.

mod contacts;
mod counts;
mod customers;
mod overview;
mod values;

use crate::{support::Test, tests};

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    tests![
        contacts::belong_to_several_customers_one_of_them_primary,
        contacts::are_reached_from_both_ends,
        contacts::are_expanded_where_asked_for,
        counts::are_those_of_the_records_that_one_may_read,
        counts::related_records_give_the_order,
        customers::are_created_read_changed_and_archived,
        customers::keep_what_a_patch_does_not_name,
        customers::are_told_all_their_faults_at_once,
        customers::take_themselves_back_whole,
        customers::are_standardised_on_the_way_in,
        customers::may_have_ids_their_creator_chose,
        customers::are_known_by_keys_of_other_systems,
        customers::set_their_values_free_when_archived,
        customers::form_no_cycles,
        customers::have_a_timeline,
        overview::shows_what_the_lists_show,
        values::figures_are_those_of_the_orders_by_brute_force,
        values::models_are_learnt_from_all_customers,
        values::bounds_are_the_tenants_own
    ]
}
