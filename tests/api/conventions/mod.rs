//! What holds for every endpoint.

mod concurrency;
mod contract;
mod errors;
mod expansions;
mod golden;
mod idempotency;
mod lanes;
mod limits;
mod lists;
mod parity;
mod registration;
mod search;
mod text;

use crate::{support::Test, tests};

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    tests![
        concurrency::an_import_meets_others_under_its_keys,
        concurrency::conflicts_are_told_as_people_talk,
        concurrency::fields_apart_do_not_conflict,
        concurrency::many_writers_of_one_record,
        concurrency::preconditions_are_strict,
        concurrency::puts_under_one_key_make_one_record,
        concurrency::rules_over_other_records_hold,
        concurrency::times_of_a_record_rise,
        concurrency::unchanged_records_are_not_sent_again,
        contract::actions::are_offered_to_whom_may,
        contract::codes::are_used_and_documented,
        contract::every_write_leaves_its_event,
        contract::examples_refer_to_records_made_for_them,
        contract::documented_parameters_work_as_shown,
        contract::everything_else_needs_a_permission,
        contract::everything_else_needs_a_scope,
        contract::everything_else_needs_a_token,
        contract::reads_answer_as_documented,
        contract::the_document_is_checked_in,
        contract::unknown_parameters_are_refused,
        contract::unusable_idempotency_keys_are_refused,
        contract::an_id_names_one_record,
        contract::unknown_records_are_not_found,
        errors::bodies_that_cannot_be_read,
        errors::browsers_are_let_in_by_the_allow_list,
        errors::undeclared_methods_are_refused,
        errors::members_said_twice_in_parameters,
        errors::filters_without_bounds,
        errors::headers_without_end,
        errors::paths_and_methods_that_are_not_there,
        errors::sql_in_every_string,
        errors::values_of_the_wrong_kind,
        expansions::archived_and_live_records_come_together,
        expansions::fields_add_to_the_default_and_reach_into_relations,
        expansions::objects_go_by_either_name,
        expansions::what_is_referred_to_is_shown_archived,
        golden::a_new_tenant,
        golden::activities_and_tasks,
        golden::cadences_and_enrolments,
        golden::custom_fields,
        golden::customers_and_contacts,
        golden::imports_and_their_faults,
        golden::leads_of_pools,
        golden::leads_to_customers,
        golden::lists_and_searches,
        golden::opportunities,
        golden::pipelines_and_products,
        golden::reports_and_forecasts,
        golden::users_and_roles,
        idempotency::many_at_once_make_one_record,
        idempotency::secrets_are_not_replayed,
        idempotency::the_first_answer_is_replayed,
        idempotency::validation_writes_nothing,
        lanes::light_requests_go_on_beside_heavy_ones,
        lanes::statements_end_at_their_limit,
        lanes::statements_kept_prepared_are_bounded,
        lanes::what_proves_heavy_moves_to_the_other_lane,
        lanes::who_hangs_up_leaves_nothing_behind,
        limits::bodies_arrive_in_time_and_as_they_are,
        limits::bodies_of_strangers_are_small,
        limits::data_is_not_kept_by_caches_nor_documentation_framed,
        limits::faults_are_told_up_to_a_hundred,
        limits::what_nobody_sees_is_blank,
        lists::a_missing_relation_is_null,
        lists::are_sorted_with_nulls_last,
        lists::count_and_skip_exactly,
        lists::filters_may_be_written_as_json,
        lists::give_just_the_fields_asked_for,
        lists::read_values_as_people_write_them,
        lists::show_each_record_once_while_others_come,
        lists::take_every_operator,
        lists::travel_compressed_where_wanted,
        search::finds_what_people_type_at_once,
        search::goes_across_objects,
        search::shows_the_best_first,
        search::companies_meet_whatever_their_legal_form,
        search::signs_count_and_records_come_first,
        text::is_kept_as_it_was_typed,
        text::is_one_however_it_is_written,
        text::of_imports_is_matched_however_it_is_written,
        text::of_old_databases_is_indexed_again,
        text::of_tags_is_one_at_once,
        text::typed_of_a_number_is_derived,
        registration::every_file_is_a_module;
        both: parity::the_same_calls_get_the_same_answers
    ]
}
