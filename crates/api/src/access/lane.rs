//! Which lane a reading takes, told from what is asked, here and nowhere else.
//!
//! Summaries, forecasts, funnels and boards add up much of what a tenant has and are heavy whatever they ask for; what is read by
//! key is light. Between them are lists and searches.

use std::hash::{DefaultHasher, Hash, Hasher};

use actix_web::HttpRequest;
use farley_domain::{
    model::object::Reach,
    query::list::{ListQuery, Start},
};
use farley_persistence::{Claim, Lanes, Turn};

use super::call::Call;

/// How many rows a light page reads at most: those it shows, those it skips, and those related to them.
const LIGHT_ROWS: u64 = 1_000;
/// About how many records of a to-many relation a record has.
const RELATED_EACH: u64 = 10;

impl Call {
    /// For whom something heavy is read.
    #[must_use]
    pub fn claim(&self) -> Claim {
        Claim { tenant: self.tenant(), credential: self.principal.credential }
    }
}

/// The lane of a list or of a search in one object.
#[must_use]
pub fn of_list(request: &HttpRequest, query: &ListQuery, body: &str) -> Turn {
    let shown = query.limit as u64;
    let skipped = match query.start {
        Start::First | Start::After(_) => 0,
        Start::Offset(offset) => offset,
    };
    let related = query.expand.iter().map(|expanded| match expanded.relation.reach {
        Reach::ToOne { .. } | Reach::Attached { .. } => shown,
        Reach::Inverse { .. } | Reach::Linked { .. } => shown * RELATED_EACH,
    });
    let rows = shown + skipped + related.sum::<u64>();
    // A ledger has several rows for each record.
    if query.total || query.as_of.is_some() || rows > LIGHT_ROWS {
        return Turn::Heavy;
    }
    unsure(request, body)
}

/// The lane of a search across objects: a word that many records have is heavy, and only the search itself shows it.
#[must_use]
pub fn of_search(request: &HttpRequest) -> Turn {
    unsure(request, "")
}

/// Readings that differ only in the page they begin at are alike.
fn unsure(request: &HttpRequest, body: &str) -> Turn {
    let mut hasher = DefaultHasher::new();
    request.path().hash(&mut hasher);
    for pair in request.query_string().split('&').filter(|pair| !pair.starts_with("cursor=")) {
        pair.hash(&mut hasher);
    }
    body.hash(&mut hasher);
    Turn::Unsure { likeness: hasher.finish() }
}

/// Shows both lanes to Prometheus.
pub fn publish(lanes: &Lanes) {
    for (name, lane) in [("light", lanes.light), ("heavy", lanes.heavy)] {
        #[allow(clippy::cast_precision_loss, reason = "counts are far below what a float holds exactly")]
        let gauge = |metric: &'static str, value: usize| metrics::gauge!(metric, "lane" => name).set(value as f64);
        gauge("farley_lane_in_use", lane.in_use);
        gauge("farley_lane_waiting", lane.waiting);
        let counter = |metric: &'static str, value: u64| metrics::counter!(metric, "lane" => name).absolute(value);
        counter("farley_lane_refused_total", lane.refused);
        counter("farley_lane_timed_out_total", lane.timed_out);
        counter("farley_lane_cancelled_total", lane.cancelled);
        counter("farley_lane_moved_total", lane.moved);
    }
    #[allow(clippy::cast_precision_loss, reason = "counts are far below what a float holds exactly")]
    metrics::gauge!("farley_prepared_statements").set(lanes.prepared as f64);
    metrics::gauge!("farley_change_feed_lag_seconds").set(lanes.held_up.as_secs_f64());
}

/// Says what the figures of the lanes mean.
pub fn describe() {
    use metrics::{Unit::Count, describe_counter, describe_gauge};
    describe_gauge!("farley_lane_in_use", Count, "Readings and writes under way, by lane (light, heavy).");
    describe_gauge!("farley_lane_waiting", Count, "Readings and writes that wait for their turn, by lane.");
    describe_counter!("farley_lane_refused_total", Count, "Requests turned away because too many were waiting, by lane.");
    describe_counter!("farley_lane_timed_out_total", Count, "Statements ended at FARLEY_STATEMENT_TIMEOUT, by lane.");
    describe_counter!("farley_lane_cancelled_total", Count, "Readings ended because nobody waited for them any more, by lane.");
    describe_counter!("farley_lane_moved_total", Count, "Readings begun in a lane and moved to the heavy one, by lane.");
    describe_gauge!("farley_prepared_statements", Count, "Statements that all database connections keep prepared.");
    describe_gauge!(
        "farley_change_feed_lag_seconds",
        metrics::Unit::Seconds,
        "How long the change feed has been held up by the oldest writing transaction; an alarm from 30 on."
    );
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use farley_domain::{
        customers::customer::Customer,
        model::entity::Entity,
        query::{list::Expanded, predicate::Predicate},
    };

    use super::*;

    fn query(limit: usize) -> ListQuery {
        ListQuery {
            predicate: Predicate::all(),
            sort: Vec::new(),
            limit,
            start: Start::First,
            fields: None,
            expand: Vec::new(),
            total: false,
            as_of: None,
        }
    }

    #[test]
    fn pages_are_light_until_they_prove_otherwise() {
        let request = |uri: &str| TestRequest::with_uri(uri).to_http_request();
        let lane = |query: ListQuery| of_list(&request("/v1/customers"), &query, "");
        let of = |uri: &str| of_list(&request(uri), &query(50), "");
        assert!(matches!(lane(query(200)), Turn::Unsure { .. }));
        assert!(matches!(lane(ListQuery { start: Start::Offset(200), ..query(50) }), Turn::Unsure { .. }));
        assert_eq!(lane(ListQuery { start: Start::Offset(5_000), ..query(50) }), Turn::Heavy);
        assert_eq!(lane(ListQuery { total: true, ..query(1) }), Turn::Heavy);
        let contacts = Customer::object().relation("contacts").into_iter();
        let contacts: Vec<_> = contacts.map(|relation| Expanded { relation: *relation, fields: None }).collect();
        assert_eq!(contacts.len(), 1);
        assert!(matches!(lane(ListQuery { expand: contacts.clone(), ..query(50) }), Turn::Unsure { .. }));
        assert_eq!(lane(ListQuery { expand: contacts, ..query(200) }), Turn::Heavy);
        assert_eq!(of("/v1/customers?q=a&cursor=b"), of("/v1/customers?q=a&cursor=c"));
        assert_ne!(of("/v1/customers?q=a"), of("/v1/customers?q=b"));
    }
}
