//! The endpoints that are written by hand, with their documentation: one list for both.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use actix_web::{
    HttpRequest, guard,
    web::{self, ServiceConfig},
};
use farley_domain::model::registry;
use utoipa::OpenApi;

use super::health;
use crate::{
    activities, automation, customers,
    http::template::{self, Template},
    identity, integration, openapi, records,
    records::{
        operations::{collection_of, generic_operations},
        refuse_method,
    },
    reporting, sales, service,
};

/// Registers the handlers, and collects their documentation.
macro_rules! endpoints {
    ($($collection:literal => [$($handler:path),* $(,)?]),* $(,)?) => {
        /// Their documentation.
        #[derive(OpenApi)]
        #[openapi(
            paths($($($handler),*),*),
            tags(
                (name = "auth", description = "Logging in and out, and the token signing keys."),
                (name = "me", description = "Your own account."),
                (name = "settings", description = "What frontends keep: JSON by key, of the tenant and of each user."),
                (name = "calendar", description = "Meetings, calls, visits and tasks, in Farley and in other calendar programs."),
                (name = "calls", description = "Calls as telephone systems report them, and who has a number. Calls are activities of the kind `call`."),
                (name = "search", description = "Search across all objects."),
                (name = "events", description = "The change feed: all events, in order."),
                (name = "locks", description = "Who is editing what: advice for editors."),
                (name = "bulk", description = "Many records in one request, and several operations."),
                (name = "metadata", description = "Everything a frontend needs to build forms and tables."),
                (name = "access", description = "Explains who can do what, and why."),
                (name = "forecasts", description = "Expected sales per period, compared with quotas."),
                (name = "reports", description = "Reports across many records."),
                (name = "imports", description = "CSV imports, row by row."),
                (name = "files", description = "Files of customers, tickets and other records."),
                (name = "jobs", description = "Background jobs."),
                (name = "tenants", description = "The companies using this server; for the server operator."),
                (name = "server", description = "The server itself."),
            )
        )]
        pub struct Handwritten;

        /// The routes of a collection, the part of a path after `/v1/`.
        pub fn configure(collection: &str, config: &mut ServiceConfig) {
            match collection {
                $($collection => { $(config.service(template::handler($handler));)* })*
                _ => {}
            }
        }

        /// The collections that have some.
        pub const COLLECTIONS: &[&str] = &[$($collection),*];
    };
}

/// What a path takes.
#[derive(Default)]
struct Taken {
    methods: BTreeSet<String>,
    /// Whether some of it is written by hand.
    by_hand: bool,
    /// Whether some of it is generic.
    generic: bool,
}

/// What each path takes. Told once, as every thread that serves is configured.
static TAKEN: LazyLock<BTreeMap<String, Taken>> = LazyLock::new(|| {
    let mut paths: BTreeMap<String, Taken> = BTreeMap::new();
    for (path, item) in Handwritten::openapi().paths.paths {
        let operations =
            [("GET", item.get), ("POST", item.post), ("PUT", item.put), ("PATCH", item.patch), ("DELETE", item.delete)];
        let methods = operations.into_iter().filter(|(_, operation)| operation.is_some()).map(|(method, _)| method.to_owned());
        paths.insert(path, Taken { methods: methods.collect(), by_hand: true, generic: false });
    }
    for object in registry::objects() {
        for generic in generic_operations(object) {
            let taken = paths.entry(generic.route(object)).or_default();
            taken.generic = true;
            taken.methods.insert(generic.method().to_string());
        }
    }
    for taken in paths.values_mut() {
        // What can be got can be asked for without its body.
        if taken.methods.contains("GET") {
            taken.methods.insert("HEAD".to_owned());
        }
    }
    paths
});

/// The methods that a path takes, for `Allow`.
pub fn allowed(path: &str) -> String {
    TAKEN.get(path).map_or_else(String::new, |taken| taken.methods.iter().cloned().collect::<Vec<_>>().join(", "))
}

/// What else is asked of the paths that are written by hand is refused, with the methods that they take: before the generic templates
/// that would match some of them too.
pub fn refuse_other_methods(collection: &str, config: &mut ServiceConfig) {
    let own = TAKEN.iter().filter(|(path, taken)| taken.by_hand && !taken.generic && collection_of(path) == collection);
    let own: Vec<Template> = own.map(|(path, _)| Template::of(path)).collect();
    if own.is_empty() {
        return;
    }
    let known = guard::fn_guard(move |context| own.iter().any(|template| template.matches(context)));
    let refuse = |request: HttpRequest| async move {
        let path = template::matched(&request);
        refuse_method(path.map_or_else(String::new, |path| allowed(&path))).await
    };
    config.service(web::scope("").guard(known).default_service(web::to(refuse)));
}

endpoints! {
    "auth" => [
        identity::auth::login,
        identity::auth::oauth_token,
        identity::session::refresh,
        identity::session::logout,
        identity::auth::accept,
        identity::forgotten::forgot_password,
        identity::forgotten::reset_password,
    ],
    "articles" => [
        service::knowledge::suggestions::suggest,
        service::knowledge::publishing::submit,
        service::knowledge::publishing::send_back,
        service::knowledge::publishing::publish,
        service::knowledge::publishing::withdraw,
        service::knowledge::preview::preview,
        service::knowledge::voting::vote,
    ],
    "surveys" => [service::satisfaction::results::results],
    "survey-responses" => [service::satisfaction::asking::link],
    "survey-answers" => [service::satisfaction::answering::show, service::satisfaction::answering::answer],
    "help-centers" => [service::knowledge::help_center::rotate],
    "help" => [
        service::knowledge::reading::describe,
        service::knowledge::reading::list,
        service::knowledge::reading::article,
        service::knowledge::voting::public_vote,
    ],
    "calendars" => [service::calendar::elapsed, service::calendar::add, service::calendar::import],
    "channels" => [
        service::mail::take,
        service::mail::fetching::sources,
        service::channels::channel::rotate,
        service::channels::inbound::take,
        service::channels::receipts::take,
    ],
    "portals" => [service::portal::rotate],
    "portal" => [
        service::portal::describe,
        service::portal::codes::ask,
        service::portal::sessions::sign_in,
        service::portal::sessions::refresh,
        service::portal::sessions::sign_out,
        service::portal::tickets::me,
        service::portal::tickets::list,
        service::portal::tickets::open,
        service::portal::tickets::get,
        service::portal::tickets::close,
        service::portal::tickets::reopen,
        service::portal::tickets::rate,
        service::portal::orders::list,
        service::portal::orders::get,
        service::portal::messages::list,
        service::portal::messages::answer,
        service::portal::files::create,
        service::portal::files::get_content,
    ],
    "queues" => [service::queue::next],
    "reply-templates" => [service::reply_template::filled],
    "exports" => [integration::export::create],
    "webhooks" => [
        integration::webhook::actions::rotate,
        integration::webhook::actions::pause,
        integration::webhook::actions::resume,
        integration::webhook::actions::replay,
        integration::webhook::actions::redeliver,
        integration::webhook::actions::test,
        integration::webhook::actions::progress,
    ],
    "dashboards" => [reporting::dashboard::run],
    "saved-reports" => [reporting::saved_report::run],
    "segments" => [reporting::segment::members::change, reporting::segment::members::refresh],
    "macros" => [automation::macros::apply],
    "rules" => [automation::dry_run::dry_run_unsaved, automation::dry_run::dry_run],
    "sla" => [service::promises::simulate],
    "ticket-merges" => [service::merging::undo_merge],
    "tickets" => [
        service::merging::merge_ticket,
        service::splitting::split_ticket,
        service::resending::resend,
        service::ticket::solve,
        service::ticket::reopen,
        service::ticket::close,
        service::ticket::follow_up,
        service::board::board,
        service::knowledge::suggestions::for_ticket,
        service::satisfaction::asking::ask_survey,
        service::promises::sla,
        service::promises::explain,
    ],
    "work-orders" => [
        service::work_orders::dispatch::dispatch,
        service::work_orders::scheduling::schedule,
        service::work_orders::scheduling::unschedule,
        service::work_orders::visits::depart,
        service::work_orders::visits::check_in,
        service::work_orders::visits::check_out,
        service::work_orders::closing::complete,
        service::work_orders::closing::cannot_complete,
        service::work_orders::closing::cancel,
        service::work_orders::closing::reopen,
    ],
    "me" => [
        identity::me::get_me,
        identity::me::update_me,
        identity::me::change_password,
        identity::me::my_sessions,
        identity::me::end_my_session,
        activities::calendar_feed::make,
        activities::calendar_feed::revoke,
        activities::preferences::get_preferences,
        activities::preferences::update_preferences,
        identity::setting::list_mine,
        identity::setting::read_mine,
        identity::setting::keep_mine,
        identity::setting::remove_mine,
    ],
    "settings" => [
        identity::setting::list,
        identity::setting::read,
        identity::setting::keep,
        identity::setting::remove,
    ],
    "users" => [
        identity::user::deactivate,
        identity::user::activate,
        identity::user::reset_password,
        identity::user::sessions,
        identity::user::end_session,
        identity::open_work::open_work,
        identity::handover::hand_over,
    ],
    "access" => [
        identity::explain::explain,
    ],
    "tenants" => [
        identity::tenant::create,
        identity::tenant::list,
    ],
    "search" => [
        records::search::search,
    ],
    "batch" => [records::batch::endpoint::batch],
    "{collection}" => [
        records::bulk::records::write,
        records::bulk::change::change,
        records::locks::lock,
        records::locks::unlock,
    ],
    "changes" => [
        records::events::change_feed,
        records::changes_stream::stream,
        records::changes_stream::create_ticket,
    ],
    "locks" => [records::locks::list],
    "customers" => [
        customers::overview::customer_overview,
        customers::timeline::customer_timeline,
        sales::leads::claims::claim_customer,
        sales::leads::claims::release_customer,
        sales::leads::claims::customer_holders,
    ],
    "customer-values" => [
        customers::value::model::get_model,
        customers::value::settings::get_settings,
        customers::value::settings::put_settings,
        customers::value::recompute,
    ],
    "leads" => [
        sales::leads::duplicates::check,
        sales::leads::lead::disqualify,
        sales::leads::lead::reopen,
        sales::leads::assignment::assign_lead,
        sales::leads::scoring::explain,
        sales::leads::conversion::convert,
        sales::leads::claims::claim_lead,
        sales::leads::claims::release_lead,
        sales::leads::claims::lead_holders,
    ],
    "lead-forms" => [
        sales::leads::form::rotate,
    ],
    "forms" => [
        sales::leads::form::describe,
        sales::leads::form_answer::answer,
    ],
    "tasks" => [
        activities::task::complete,
        activities::task::reopen,
        activities::task::snooze,
        activities::task::delegate,
    ],
    "notifications" => [
        activities::notification::unread_count,
        activities::notification::mark_read,
        activities::notification::mark_all_read,
        activities::stream::notifications,
    ],
    "calls" => [activities::call::report],
    "lookup" => [activities::lookup::look_up],
    "calendar" => [
        activities::calendar::calendar,
    ],
    "calendar-feeds" => [
        activities::calendar_feed::feed,
    ],
    "cadences" => [
        sales::cadences::cadence::enrol,
    ],
    "cadence-enrolments" => [
        sales::cadences::enrolment::pause,
        sales::cadences::enrolment::resume,
        sales::cadences::enrolment::stop,
    ],
    "pipelines" => [
        sales::board::board,
        sales::stage::reorder,
    ],
    "forecasts" => [
        sales::forecast::forecast,
    ],
    "opportunities" => [
        sales::opportunity::move_to,
        sales::opportunity::win,
        sales::opportunity::lose,
    ],
    "reports" => [
        reporting::query::query,
        reporting::ready::list,
        reporting::ready::definition,
        reporting::ready::run,
        reporting::sales_funnel::sales_funnel,
        reporting::sales_velocity::sales_velocity,
        reporting::forecast_accuracy::forecast_accuracy,
        reporting::service::satisfaction::service_satisfaction,
        reporting::service::sla::service_sla,
        reporting::service::times::service_times,
        reporting::service::volume::service_volume,
    ],
    "metadata" => [
        openapi::metadata::objects,
        openapi::metadata::one_object,
        openapi::metadata::vocabularies::currencies,
        openapi::metadata::vocabularies::countries,
        openapi::metadata::vocabularies::languages,
        openapi::metadata::vocabularies::time_zones,
        reporting::figures::figures,
    ],
    "imports" => [
        integration::import::create,
        integration::import::preview::preview,
        integration::import::report::faults,
    ],
    "files" => [
        integration::file::upload::create,
        integration::file::content::get_content,
        integration::file::link::make_link,
    ],
    "file-links" => [
        integration::file::link::linked,
    ],
    "jobs" => [
        records::jobs::list,
        records::jobs::retry,
    ],
    "" => [
        health::jwks,
        health::healthz,
        health::readyz,
    ],
}
