//! Farley over real HTTP: every test on a server and a database of its own, for both engines.

#[path = "../support/mod.rs"]
mod support;

mod activities;
mod auth;
mod b2b_sales;
mod cadences;
mod changes;
mod client;
mod concurrency;
mod contacts;
mod contract;
mod crash;
mod custom_fields;
mod customers;
mod demo;
mod errors;
mod golden;
mod idempotency;
mod imports;
mod lanes;
mod leads;
mod lists;
mod parity;
mod permissions;
mod reporting;
mod sales;
mod search;
mod server;
mod start;
mod tenants;
#[cfg(feature = "otel")]
mod traces;

fn main() {
    #[cfg(feature = "otel")]
    let of_features = tests![traces::are_sent_to_a_collector];
    #[cfg(not(feature = "otel"))]
    let of_features: Vec<support::Test> = Vec::new();
    let tests = tests![
        activities::are_read_with_what_they_concern,
        activities::calendars_are_fed_to_other_programs,
        activities::calendars_show_what_may_be_known,
        activities::concern_several_records,
        activities::each_task_is_told_of_once,
        activities::keep_it_also_under_load,
        activities::keep_what_records_tell,
        activities::notifications_are_streamed,
        activities::notifications_are_mailed_where_wanted,
        activities::recurring_tasks_come_again,
        activities::tasks_are_done_put_off_and_given_away,
        activities::tasks_are_found_by_their_day,
        activities::users_are_notified,
        auth::an_unknown_address_is_no_different_from_a_wrong_password,
        auth::failures_slow_an_account_down,
        auth::keys_reach_no_further_than_their_scopes,
        auth::passwords_are_changed_and_reset,
        auth::refresh_tokens_rotate_and_a_reused_one_ends_the_session,
        auth::requests_are_limited_by_credential,
        auth::sessions_are_listed_and_ended,
        auth::tokens_are_verified_by_the_published_keys,
        auth::what_is_taken_away_is_gone_at_once,
        b2b_sales::a_whole_record_answers_as_its_files_do,
        b2b_sales::rows_change_parts_and_warn,
        cadences::are_paused_resumed_and_stopped,
        cadences::are_told_all_their_faults,
        cadences::come_again_every_week,
        cadences::enrol_by_a_filter,
        cadences::make_each_task_once,
        cadences::make_tasks_on_their_days,
        cadences::stop_on_replies,
        cadences::stop_with_what_becomes_of_a_record,
        cadences::take_those_who_may_update_the_record,
        cadences::wait_for_an_owner,
        cadences::wait_for_working_days,
        changes::are_missed_by_no_reader,
        changes::tell_what_happened_in_order,
        concurrency::fields_apart_do_not_conflict,
        concurrency::rules_over_other_records_hold,
        concurrency::many_writers_of_one_record,
        concurrency::preconditions_are_strict,
        concurrency::unchanged_records_are_not_sent_again,
        contacts::are_expanded_where_asked_for,
        contacts::are_reached_from_both_ends,
        contacts::belong_to_several_customers_one_of_them_primary,
        contract::codes_are_used_and_documented,
        contract::every_write_leaves_its_event,
        contract::everything_else_needs_a_permission,
        contract::everything_else_needs_a_token,
        contract::reads_answer_as_documented,
        contract::the_document_is_checked_in,
        contract::unknown_parameters_are_refused,
        contract::unknown_records_are_not_found,
        crash::killed_under_load_nothing_is_lost,
        crash::told_to_end_it_ends_well,
        custom_fields::are_checked_when_declared,
        custom_fields::keep_their_values_when_renamed_and_retired,
        custom_fields::of_every_type_are_written_filtered_and_sorted,
        custom_fields::serve_every_object_and_search,
        customers::are_created_read_changed_and_archived,
        customers::are_known_by_keys_of_other_systems,
        customers::are_standardised_on_the_way_in,
        customers::are_told_all_their_faults_at_once,
        customers::form_no_cycles,
        customers::have_a_timeline,
        customers::keep_what_a_patch_does_not_name,
        customers::may_have_ids_their_creator_chose,
        customers::set_their_values_free_when_archived,
        demo::sales_hold_together,
        errors::bodies_that_cannot_be_read,
        errors::browsers_are_let_in_by_the_allow_list,
        errors::filters_without_bounds,
        errors::paths_and_methods_that_are_not_there,
        errors::sql_in_every_string,
        errors::values_of_the_wrong_kind,
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
        imports::all_or_none_and_only_tried,
        imports::columns_are_guessed_and_shown,
        imports::faults_are_told_row_by_row,
        imports::files_come_in_many_shapes,
        imports::go_on_after_a_kill,
        imports::go_on_at_once_after_a_stop,
        imports::need_permission_and_stay_within_the_tenant,
        imports::rows_match_by_keys_and_by_fields,
        imports::several_run_at_once,
        imports::the_same_command_goes_on,
        lanes::light_requests_go_on_beside_heavy_ones,
        lanes::statements_end_at_their_limit,
        lanes::statements_kept_prepared_are_bounded,
        lanes::what_proves_heavy_moves_to_the_other_lane,
        lanes::who_hangs_up_leaves_nothing_behind,
        leads::alike_are_told_without_giving_them_away,
        leads::are_assigned_by_rules,
        leads::are_claimed_by_one_alone,
        leads::are_converted_once,
        leads::are_scored_by_rules,
        leads::come_by_web_forms,
        leads::come_from_the_sites_a_form_allows,
        leads::go_step_by_step,
        leads::in_a_pool_are_seen_by_those_entitled,
        leads::left_alone_fall_back,
        leads::of_a_pool_follow_its_quotas,
        leads::teach_how_they_end,
        leads::that_wait_too_long_are_told_once,
        lists::are_sorted_with_nulls_last,
        lists::count_and_skip_exactly,
        lists::give_just_the_fields_asked_for,
        lists::show_each_record_once_while_others_come,
        lists::take_every_operator,
        lists::travel_compressed_where_wanted,
        permissions::an_administrator_stays,
        permissions::are_explained,
        permissions::fields_are_hidden_and_frozen_everywhere,
        permissions::nobody_grants_what_they_do_not_hold,
        permissions::relations_end_where_permission_does,
        permissions::scopes_hold_for_writes,
        permissions::scopes_hold_on_every_way_to_a_record,
        reporting::sums_are_never_too_large,
        reporting::forecasts_stand_beside_quotas,
        reporting::summaries_count_and_add_up,
        reporting::sums_keep_what_is_hidden,
        reporting::the_funnel_counts_a_cohort,
        reporting::the_funnel_shows_a_snapshot,
        sales::a_move_is_checked_and_kept,
        sales::cards_stay_where_they_are_dropped,
        sales::lines_add_up_to_the_amount,
        sales::moves_follow_the_pipeline,
        sales::of_two_movers_one_succeeds,
        sales::one_pipeline_is_the_default,
        sales::opportunities_begin_in_the_first_stage,
        sales::parts_are_reached_as_their_whole,
        sales::the_past_is_read_from_the_ledger,
        search::finds_what_people_type_at_once,
        search::goes_across_objects,
        search::shows_the_best_first,
        start::recurring_jobs_wait_once,
        start::stopping_finishes_what_was_accepted,
        start::the_second_start_makes_nothing,
        tenants::are_made_by_the_operator,
        tenants::cannot_reach_each_other;
        both: parity::the_same_calls_get_the_same_answers;
        sqlite: crash::a_full_disk_refuses_writes_alone => "the disk of PostgreSQL is its server's";
        postgres:
            crash::a_lost_connection_comes_back => "a file has no connection to lose",
            start::two_nodes_start_at_once_on_an_empty_database => "one file, one node",
    ];
    support::main_with(tests.into_iter().chain(of_features).collect());
}
