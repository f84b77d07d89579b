//! The service desk: tickets, their promises, and the hours of the desk.

mod acknowledgements;
mod assignment;
mod bulk_changes;
mod calendars;
pub mod channels;
mod day;
mod knowledge;
mod mail;
mod mailbox_day;
mod merges;
mod outbound;
mod portal;
pub mod satisfaction;
mod sla;
mod tickets;
mod web_forms;
mod work_orders;

use crate::{mail_servers, support::Test, tests};

/// The cases of this area.
pub fn tests() -> Vec<Test> {
    let mut all = tests![
        assignment::agents_get_tickets_in_turn_in_one_order,
        assignment::capacity_skills_hours_and_habit_decide,
        assignment::no_ticket_is_given_twice,
        assignment::whoever_asks_gets_what_they_can_have,
        assignment::whoever_asks_in_a_crowd_gets_no_more_than_they_can_have,
        assignment::what_waits_too_long_is_escalated,
        day::the_lists_of_an_agents_day_are_filters,
        day::clocks_stand_beside_their_tickets,
        day::the_board_counts_what_lists_show,
        calendars::business_time_is_counted_and_added,
        calendars::hours_are_checked_at_their_place,
        calendars::holidays_and_make_up_days_are_imported,
        calendars::imports_keep_to_versions_and_permissions,
        knowledge::what_is_published_stays_while_the_next_is_written,
        knowledge::who_publishes_is_another_matter,
        knowledge::help_centers_show_what_is_public,
        knowledge::translations_are_one_family,
        knowledge::votes_count_once_a_reader,
        knowledge::tickets_find_their_articles,
        knowledge::hostile_articles_do_no_harm,
        channels::a_conversation_goes_to_and_fro,
        channels::replies_keep_their_order,
        channels::a_bridge_says_when_to_come_back,
        channels::only_what_is_signed_is_believed,
        mail::a_conversation_is_one_ticket,
        mail::nothing_of_a_mail_is_lost,
        mail::a_mail_says_what_is_new_in_it,
        mail::machines_are_told_from_people,
        mail::strangers_are_marked_and_agents_known,
        mail::a_mail_always_finds_a_ticket,
        mail::what_is_refused_leaves_nothing,
        merges::clocks_of_merged_tickets_are_those_of_one_conversation,
        merges::a_merged_ticket_can_be_read_and_nothing_else,
        merges::nobody_is_told_of_a_merged_ticket_until_it_is_back,
        merges::what_rests_in_the_archive_is_not_counted,
        merges::messages_become_a_ticket_of_their_own,
        merges::files_go_with_the_ticket,
        merges::related_tickets_name_each_other,
        acknowledgements::a_new_request_is_acknowledged_once,
        acknowledgements::templates_and_signatures_are_filled_in,
        mailbox_day::is_worked_off,
        outbound::a_reply_goes_to_whom_it_answers,
        outbound::recipients_are_whom_the_agent_names,
        outbound::each_recipient_gets_it_for_themselves,
        outbound::what_becomes_of_a_mail_is_told,
        outbound::a_mail_server_that_is_away_loses_nothing,
        outbound::killed_before_sending_nothing_is_lost_or_doubled,
        satisfaction::a_rule_asks_and_the_customer_answers,
        satisfaction::links_hold_for_a_while,
        satisfaction::low_scores_are_followed_up,
        satisfaction::asking_is_a_right_and_has_its_limits,
        satisfaction::results_are_counted,
        satisfaction::invitations_are_mailed_once,
        sla::clocks_follow_messages_and_statuses,
        sla::warnings_come_while_the_desk_is_closed_if_they_may,
        sla::warnings_and_breaches_are_told_on_time_and_once,
        sla::what_was_promised_stays_promised,
        sla::the_first_policy_that_fits_applies,
        sla::simulations_say_what_would_be_due,
        work_orders::a_ticket_becomes_a_visit_that_is_done,
        work_orders::nobody_is_in_two_places,
        work_orders::technicians_are_there_skilled_and_at_hand,
        work_orders::what_is_told_from_the_road_is_checked,
        work_orders::technicians_see_their_own,
        work_orders::the_plan_of_a_day_is_complete,
        work_orders::visits_are_in_the_calendar,
        tickets::a_request_is_answered_solved_and_opened_again,
        tickets::the_priority_follows_impact_and_urgency_until_it_is_set,
        tickets::moves_keep_to_the_rules_of_statuses,
        tickets::messages_stay_as_they_were_written,
        tickets::a_queue_gives_each_ticket_to_one_agent,
        web_forms::become_tickets_when_answered,
        portal::contacts_sign_in_with_a_code,
        portal::contacts_see_their_orders,
        portal::contacts_follow_their_own_tickets,
        portal::merged_tickets_lead_to_the_one_they_went_into,
        bulk_changes::each_ticket_is_changed_by_its_own_rules,
    ];
    let through_servers = concat!(module_path!(), "::mailbox_day::goes_through_mail_servers");
    all.push(Test::each(through_servers, mailbox_day::goes_through_mail_servers).unless_missing(mail_servers::missing()));
    all
}
