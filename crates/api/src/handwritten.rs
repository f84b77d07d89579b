//! The endpoints that are written by hand, with their documentation: one list for both.

use std::sync::LazyLock;

use actix_web::web::{self, ServiceConfig};
use utoipa::OpenApi;

use crate::{
    activities, customers, events, health, identity, integration, jobs, metadata, records::refuse_method, reporting,
    routes::collection_of, sales, search,
};

/// Registers the handlers, and collects their documentation.
macro_rules! endpoints {
    ($($collection:literal => [$($handler:path),* $(,)?]),* $(,)?) => {
        /// Their documentation.
        #[derive(OpenApi)]
        #[openapi(
            paths($($($handler),*),*),
            tags(
                (name = "auth", description = "Logging in and out, and the keys that sign tokens."),
                (name = "me", description = "The caller's own account."),
                (name = "calendar", description = "Who has what to do when, here and in other calendar programs."),
                (name = "search", description = "Search across all objects."),
                (name = "events", description = "The change feed: everything that happened, in order."),
                (name = "metadata", description = "What a frontend needs to draw forms and tables."),
                (name = "access", description = "Who may do what, and why."),
                (name = "forecasts", description = "What will be won in a period, against quotas."),
                (name = "reports", description = "What the records say, taken together."),
                (name = "imports", description = "Files read into objects, row by row."),
                (name = "jobs", description = "Background jobs."),
                (name = "tenants", description = "Companies using this server; for its operator."),
                (name = "server", description = "The server itself."),
            )
        )]
        pub struct Handwritten;

        /// The routes of a collection, the part of a path after `/v1/`.
        pub fn configure(collection: &str, config: &mut ServiceConfig) {
            match collection {
                $($collection => { $(config.service($handler);)* })*
                _ => {}
            }
        }

        /// The collections that have some.
        pub const COLLECTIONS: &[&str] = &[$($collection),*];
    };
}

/// What else is asked of the paths of a collection is refused, with the methods that they take. To be configured after
/// everything that may share a path with them.
pub fn refuse_other_methods(collection: &str, config: &mut ServiceConfig) {
    // Told once, as every thread that serves is configured.
    static ALLOWED: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
        let paths = Handwritten::openapi().paths.paths.into_iter();
        let allowed = paths.map(|(path, item)| {
            let methods =
                [("GET", item.get), ("POST", item.post), ("PUT", item.put), ("PATCH", item.patch), ("DELETE", item.delete)];
            let methods = methods.into_iter().filter(|(_, operation)| operation.is_some()).map(|(method, _)| method);
            (path, methods.collect::<Vec<_>>().join(", "))
        });
        allowed.collect()
    });
    for (path, allowed) in ALLOWED.iter().filter(|(path, _)| collection_of(path) == collection) {
        config.service(web::resource(path).default_service(web::to(move || refuse_method(allowed.clone()))));
    }
}

endpoints! {
    "auth" => [
        identity::auth::login,
        identity::auth::oauth_token,
        identity::auth::refresh,
        identity::auth::logout,
        identity::auth::accept,
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
    ],
    "users" => [
        identity::users::deactivate,
        identity::users::activate,
        identity::users::reset_password,
        identity::users::sessions,
        identity::users::end_session,
    ],
    "access" => [
        identity::explain::explain,
    ],
    "tenants" => [
        identity::tenants::create,
        identity::tenants::list,
    ],
    "search" => [
        search::search,
    ],
    "changes" => [
        events::change_feed,
    ],
    "customers" => [
        customers::timeline::customer_timeline,
        sales::leads::claims::claim_customer,
        sales::leads::claims::release_customer,
        sales::leads::claims::customer_holders,
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
        sales::leads::forms::rotate,
    ],
    "forms" => [
        sales::leads::forms::describe,
        sales::leads::answers::answer,
    ],
    "tasks" => [
        activities::tasks::complete,
        activities::tasks::reopen,
        activities::tasks::snooze,
        activities::tasks::delegate,
    ],
    "notifications" => [
        activities::notifications::unread_count,
        activities::notifications::mark_read,
        activities::notifications::mark_all_read,
        activities::stream::notifications,
    ],
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
        sales::cadences::enrolments::pause,
        sales::cadences::enrolments::resume,
        sales::cadences::enrolments::stop,
    ],
    "pipelines" => [
        sales::board::board,
        sales::stages::reorder,
    ],
    "forecasts" => [
        sales::forecasts::forecast,
    ],
    "opportunities" => [
        sales::opportunities::move_to,
        sales::opportunities::win,
        sales::opportunities::lose,
    ],
    "reports" => [
        reporting::sales_funnel::sales_funnel,
    ],
    "metadata" => [
        metadata::objects,
    ],
    "imports" => [
        integration::imports::create,
        integration::imports::preview::preview,
        integration::imports::report::faults,
    ],
    "jobs" => [
        jobs::list,
        jobs::retry,
    ],
    "" => [
        health::jwks,
        health::healthz,
        health::readyz,
    ],
}
