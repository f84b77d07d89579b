//! The store on both engines.

#[path = "../support/mod.rs"]
mod support;

mod crm;
mod drafts;
mod feed;
mod gather;
mod jobs;
mod ledger;
mod migrations;
mod plans;
mod predicates;
mod sample;
mod search;
mod settings;
mod unit_of_work;

fn main() {
    support::main_with(tests![
        drafts::are_what_migrations_made,
        drafts::what_is_declared_by_name_is_there,
        feed::a_write_is_seen_by_the_next_read,
        feed::nothing_is_missed,
        feed::timelines_tell_of_a_record_and_those_about_it,
        gather::gathered_rows_are_as_single_ones,
        gather::gathered_rows_go_with_their_part,
        jobs::a_job_handed_back_is_due_at_once,
        jobs::a_job_that_fails_gives_way_to_the_next,
        jobs::a_job_that_is_queued_wakes_the_workers,
        jobs::a_lease_that_ran_out_is_taken_over,
        jobs::a_locked_job_is_skipped,
        jobs::each_job_is_done_once,
        jobs::jobs_belong_to_their_tenant,
        jobs::one_job_waits_under_a_key,
        jobs::recurring_jobs_are_there_once,
        jobs::tenants_take_turns,
        jobs::unknown_kinds_are_left_alone,
        ledger::are_mended_by_the_migration,
        ledger::times_of_records_are_mended_by_the_migration,
        ledger::hold_one_state_at_any_time,
        migrations::down_and_up_again,
        plans::an_indexed_custom_field_gets_its_index,
        plans::deep_pages_start_at_their_place,
        plans::default_lists_read_an_index,
        plans::the_lists_of_an_agents_day_read_an_index,
        plans::the_plan_of_a_day_reads_an_index,
        plans::default_orders_are_ranges_of_an_index,
        plans::a_dropped_index_is_missed,
        plans::filters_over_relations_and_words_read_an_index,
        plans::indexed_fields_are_served_by_an_index,
        predicates::days_begin_where_the_tenant_is,
        predicates::every_field_takes_its_operators,
        predicates::folding_is_the_same,
        predicates::negations_leave_nothing_out,
        predicates::pages_follow_the_order,
        predicates::records_read_back_as_written,
        predicates::sql_and_memory_agree,
        predicates::ways_of_writing_meet,
        search::finds_what_people_type,
        search::follows_every_write,
        search::many_hits_come_in_the_same_order,
        search::pages_show_each_hit_once,
        search::stays_within_tenant_and_object,
        search::the_best_come_first,
        settings::go_with_their_user_and_tenant,
        settings::have_versions_that_only_rise,
        unit_of_work::a_deadlock_is_tried_again,
        unit_of_work::a_failure_leaves_nothing,
        unit_of_work::a_panicking_read_is_an_error,
        unit_of_work::closing_finishes_what_was_accepted,
        unit_of_work::custom_fields_keep_their_values,
        unit_of_work::external_ids_are_free_after_archiving,
        unit_of_work::failures_and_panics_spare_their_neighbours,
        unit_of_work::no_update_is_lost,
        unit_of_work::numbers_are_given_once,
        unit_of_work::references_stay_within_the_tenant,
        unit_of_work::unique_values_are_refused_by_name,
        unit_of_work::what_does_not_differ_is_not_written;
        both: migrations::both_engines_have_one_schema;
        sqlite: unit_of_work::closing_leaves_the_file_whole => "it is about the file of SQLite";
        postgres: feed::a_tenant_waits_for_its_own_writers_alone => "writers of SQLite take turns",
    ]);
}
