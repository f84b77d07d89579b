//! Who one is, what one may do, and what a tenant declares for itself.

mod auth;
mod custom_fields;
mod forgotten;
mod giving;
mod granting;
mod handover;
mod hidden;
mod learning;
mod nodes;
mod permissions;
mod sessions;
mod settings;
mod tenants;

use crate::{support::Test, tests};

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    tests![
        auth::refresh_tokens_rotate_and_a_reused_one_ends_the_session,
        auth::sessions_are_listed_and_ended,
        auth::what_is_taken_away_is_gone_at_once,
        auth::keys_reach_no_further_than_their_scopes,
        auth::an_unknown_address_is_no_different_from_a_wrong_password,
        auth::guesses_at_once_are_counted_as_one_after_the_other,
        auth::failures_slow_an_account_down,
        auth::requests_are_limited_by_credential,
        auth::strangers_are_limited_by_address,
        auth::hashing_keeps_nobody_else_waiting,
        auth::tokens_are_verified_by_the_published_keys,
        auth::passwords_are_changed_and_reset,
        custom_fields::of_every_type_are_written_filtered_and_sorted,
        custom_fields::keep_their_values_when_renamed_and_retired,
        custom_fields::are_checked_when_declared,
        custom_fields::keep_retired_choices_filterable,
        custom_fields::leave_search_with_their_field,
        custom_fields::serve_every_object_and_search,
        giving::takes_the_team_along,
        giving::is_refused_at_its_place,
        giving::goes_to_the_next_or_to_nobody,
        forgotten::passwords_are_reset_by_a_mailed_link,
        forgotten::requests_are_limited_whether_the_user_exists_or_not,
        forgotten::tokens_are_handed_out_where_there_is_no_mail,
        granting::people_go_where_their_movers_reach,
        granting::teams_go_where_their_movers_reach,
        granting::records_go_where_they_could_be_created,
        handover::gives_each_kind_of_open_work_to_somebody_else,
        handover::goes_on_from_page_to_page_in_turn,
        handover::names_what_stays,
        handover::is_refused_for_what_is_wrong,
        hidden::stays_in_a_lead_that_is_converted,
        hidden::is_not_told_by_what_is_made_of_it,
        hidden::is_not_told_by_refusals,
        hidden::records_of_others_are_not_confirmed,
        hidden::answers_of_writes_show_what_may_be_read,
        learning::what_is_new_is_learnt_once,
        permissions::scopes_hold_on_every_way_to_a_record,
        permissions::scopes_hold_for_writes,
        permissions::fields_are_hidden_and_frozen_everywhere,
        permissions::nobody_grants_what_they_do_not_hold,
        permissions::an_administrator_stays,
        permissions::are_explained,
        permissions::relations_end_where_permission_does,
        sessions::tabs_that_refresh_at_once_get_the_same_tokens,
        sessions::a_token_that_comes_back_later_ends_the_session,
        settings::are_kept_by_key,
        settings::are_listed_by_prefix,
        settings::have_their_limits,
        settings::are_read_by_all_and_written_by_administrators,
        settings::are_written_one_after_the_other,
        tenants::are_made_by_the_operator,
        tenants::cannot_reach_each_other;
        postgres:
            nodes::what_another_has_just_made_is_known => "a file has one server"
    ]
}
