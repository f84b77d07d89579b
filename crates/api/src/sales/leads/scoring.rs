//! Scores: the sum of the rules' points, kept with each lead, and the probability learned from how leads ended.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    identity::access::Action,
    model::{entity::Entity, record::Record},
    query::predicate::{Predicate, parse},
    sales::leads::{
        lead::Lead,
        scoring::{ENOUGH, Ends, Prediction, ScoringRule, features, points, predict, unknown_custom, won},
        status::LeadStatus,
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Origin, Reader, TenantKey, Work};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{
        call::Call,
        principal::{self, Principal},
        state::State,
        unrestricted::Unrestricted,
    },
    http::{
        problem::Problem,
        request::{parameters, refuse_rest},
    },
    records::{
        behaviour::{Behaviour, Shown, Writing},
        filters, lookup,
        named::Named,
    },
};

/// The kind of the recurring job.
pub const KIND: &str = "lead_scores";
/// How many leads are scored in one piece of work.
const AT_ONCE: usize = 200;

impl Behaviour for ScoringRule {
    /// A rule's filter and the field from which its points fade must be there.
    fn before(_: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_archived() {
            return Ok(());
        }
        filters::check(&writing.any(), record.any(), ScoringRule::filter.name(), Lead::object())?;
        match unknown_custom(record, &writing.principal.schema(Lead::object())) {
            Some(fault) => Err(Problem::rule(fault.into())),
            None => Ok(()),
        }
    }

    /// A change of the rules is a change of every score: the recurring job does not wait for its hour.
    fn after(work: &mut Work<'_>, _: &Writing<'_, Self>, _: &Record<Self>) -> Result<Shown, Problem> {
        work.hasten(KIND)?;
        Ok(Shown::new())
    }
}

/// The rules in force.
fn rules(reader: &mut Reader<'_>) -> Result<Vec<Record<ScoringRule>>, Problem> {
    let mut rules = lookup::all::<ScoringRule>(reader)?;
    rules.retain(|rule| !rule.is_archived() && rule.get(ScoringRule::is_active));
    rules.sort_by_key(Record::id);
    Ok(rules)
}

/// What a rule gives a lead now, and from when on that fades; none, if the lead does not meet it.
fn given(
    principal: &Principal,
    now: Timestamp,
    rule: &Record<ScoringRule>,
    lead: &Record<Lead>,
) -> Option<(i64, Option<Timestamp>)> {
    let (object, filter) = (Lead::object(), rule.get(ScoringRule::filter));
    let meets = filter.is_none_or(|filter| filters::meets(principal, now, object, filter, lead.any()));
    meets.then(|| points(rule, &principal.schema(object), lead, principal.standards(now).zone, now))
}

fn sum(principal: &Principal, now: Timestamp, rules: &[Record<ScoringRule>], lead: &Record<Lead>) -> i64 {
    rules.iter().filter_map(|rule| given(principal, now, rule, lead)).map(|(points, _)| points).sum()
}

/// Scores a lead about to be written.
pub fn score(work: &mut Work<'_>, writing: &Writing<'_, Lead>, record: &mut Record<Lead>) -> Result<(), Problem> {
    let rules = rules(work.reader())?;
    // A new lead has no times of its own yet; by its rules it is created now.
    let mut asked = record.clone();
    if asked.is_null(Lead::created_at) {
        asked.set(Lead::created_at, writing.now);
    }
    asked.set(Lead::updated_at, writing.now);
    record.set(Lead::score, sum(writing.principal, writing.now, &rules, &asked));
    Ok(())
}

/// Counts how a lead ended, or takes back what no longer holds: it was opened again, changed or archived.
pub fn learn(work: &mut Work<'_>, writing: &Writing<'_, Lead>, record: &Record<Lead>) -> Result<(), Problem> {
    let schema = writing.principal.schema(Lead::object());
    let end = |record: &Record<Lead>| won(record).map(|won| (won, features(&schema, record)));
    let (before, after) = (writing.before.and_then(end), end(record));
    if before == after {
        return Ok(());
    }
    if let Some((won, features)) = before {
        work.count_end(&features, won, -1)?;
    }
    if let Some((won, features)) = after {
        work.count_end(&features, won, 1)?;
    }
    Ok(())
}

/// Scores the open leads of a tenant anew: points fade, and rules change.
pub async fn perform(state: &State, tenant: TenantKey, now: Timestamp) -> Result<(), Problem> {
    let object = Lead::object();
    let open = Predicate::Archived(false).and(Lead::status.is_not_in(LeadStatus::ENDED));
    let mut after = Id::NIL;
    loop {
        let page = open.clone().and(Lead::id.gt(after));
        let reading = state.background.read::<_, Problem>(tenant, move |reader| {
            let (principal, rules) = (principal::system(reader)?, rules(reader)?);
            let leads = reader.find(&principal.schema(object), &principal.view(now), &page, AT_ONCE)?;
            let last = leads.last().map(Record::id);
            let scores = leads.iter().map(|lead| (lead.of::<Lead>(), sum(&principal, now, &rules, lead.of())));
            let changed = scores.filter(|(lead, score)| lead.get(Lead::score) != *score);
            let changed: Vec<(Id, i64, i64)> = changed.map(|(lead, score)| (lead.id(), lead.version(), score)).collect();
            Ok((last.filter(|_| leads.len() == AT_ONCE), changed))
        });
        let (last, changed) = reading.await?;
        if !changed.is_empty() {
            let written = state.background.write::<_, Problem>(tenant, Origin::system(now), move |work| {
                changed.iter().try_for_each(|(lead, version, score)| Ok(work.set_score(*lead, *version, *score)?))
            });
            written.await?;
        }
        match last {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

/// How the score of a lead is computed, and its probability of conversion.
#[derive(Serialize, ToSchema)]
pub struct LeadScore {
    /// The current sum of the rules' points.
    #[schema(example = 35)]
    score: i64,
    /// All active rules.
    rules: Vec<RuleScore>,
    /// The model learned from the tenant's own leads; null as long as there are too few of them.
    learned: Option<LearnedScore>,
    /// The number of leads converted and disqualified so far, and the number required of each for learning.
    history: LeadHistory,
}

/// The points that a rule gives a lead.
#[derive(Serialize, ToSchema)]
pub struct RuleScore {
    #[schema(value_type = String, format = "uuid")]
    rule_id: Id,
    #[schema(example = "来自展会")]
    name: String,
    /// Whether the lead matches the rule's filter.
    meets: bool,
    /// The full points of the rule.
    #[schema(example = 20)]
    points: i64,
    /// The remaining points; 0 if the lead does not match the rule.
    #[schema(example = 15)]
    counted: i64,
    /// The time from which they decay; null if they do not.
    #[schema(value_type = Option<String>, format = "date-time")]
    fades_from: Option<Timestamp>,
}

/// The probability that a lead will be converted, by naive Bayes over the leads that were converted or disqualified.
#[derive(Serialize, ToSchema)]
pub struct LearnedScore {
    /// 0 to 1.
    #[schema(example = 0.62)]
    probability: f64,
    /// The prior log-odds of any lead.
    #[schema(example = -0.4)]
    prior_log_odds: f64,
    /// The contribution of each field, the largest effect first. The prior and all contributions add up to the log-odds of the
    /// probability.
    reasons: Vec<ScoreReason>,
}

/// The contribution of a field to the odds.
#[derive(Serialize, ToSchema)]
pub struct ScoreReason {
    /// A field of the lead, or `has_phones`, `has_emails`, `has_company`.
    #[schema(example = "source")]
    field: String,
    #[schema(example = "展会")]
    value: String,
    /// The number of leads with this value that were converted.
    #[schema(example = 31)]
    won: i64,
    /// The number of leads with this value that were disqualified.
    #[schema(example = 12)]
    lost: i64,
    /// The natural logarithm of how much more likely the value is among converted leads.
    #[schema(example = 0.83)]
    log_odds: f64,
    /// By how many percentage points the probability would be lower without it.
    #[schema(example = 14.2)]
    percent: f64,
}

/// The number of leads that were converted or disqualified.
#[derive(Serialize, ToSchema)]
pub struct LeadHistory {
    #[schema(example = 120)]
    won: i64,
    #[schema(example = 340)]
    lost: i64,
    /// The number required of each.
    #[schema(example = 20)]
    needed: i64,
}

/// Get the score of a lead
///
/// Returns the points that each scoring rule gives it now, and its probability of conversion, learned from the tenant's own
/// converted and disqualified leads, with the contribution of each field. With fewer than 20 of either, `learned` is null.
#[utoipa::path(tag = "leads", operation_id = "getLeadScore",
    params(("id" = String, Path, description = "The id of the lead, or `ext:{system}:{key}`.")),
    responses((status = 200, description = "The explained score.", body = LeadScore)))]
#[get("/v1/leads/{id}/score")]
pub async fn explain(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let object = Lead::object();
    let rows = call.rows(object, Action::Read)?;
    call.demand_fields(object, &[Lead::score.field()])?;
    refuse_rest(&parameters(&request)?, &[])?;
    let named = Named::parse(request.match_info().query("id"))?;
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let told = call
        .state
        .store
        .read::<_, Problem>(call.tenant(), move |reader| {
            let id = named.find(reader, &principal, object)?.ok_or_else(Problem::not_found)?;
            let view = principal.view(now);
            reader.get(&principal.layout(object), &view, id, &rows)?.ok_or_else(Problem::not_found)?;
            // Rules look at the whole lead; what the caller may not see is not told of below.
            let system = principal::system(reader)?;
            let found = reader.find(&system.schema(object), &Unrestricted, &Lead::id.eq(id), 1)?;
            let lead = found.into_iter().next().ok_or_else(Problem::not_found)?.into_entity();
            let rules = rules(reader)?;
            let score = sum(&system, now, &rules, &lead);
            // Whether a lead meets a rule is told to those who could ask it themselves.
            let askable = |rule: &&Record<ScoringRule>| {
                let fades = rule.get(ScoringRule::decay_field).is_none_or(|path| {
                    let schema = principal.schema(object);
                    principal.asker.sees_path(object, &schema, path)
                });
                fades && rule.get(ScoringRule::filter).is_none_or(|filter| parse::from_json(object, filter, &view).is_ok())
            };
            let rules: Vec<RuleScore> =
                rules.iter().filter(askable).map(|rule| rule_score(rule, given(&system, now, rule, &lead))).collect();
            let known = features(&system.schema(object), &lead);
            let (ends, evidence) = (reader.ends()?, reader.evidence(&known)?);
            let sees = |name: &str| {
                let path = name.strip_prefix("has_").unwrap_or(name);
                principal.schema(object).field(path).is_none_or(|field| principal.asker.sees(object, field))
            };
            Ok(LeadScore {
                score,
                rules,
                learned: predict(ends, &evidence).map(|prediction| learned(prediction, &sees)),
                history: LeadHistory { won: ends.won, lost: ends.lost, needed: ENOUGH },
            })
        })
        .await?;
    Ok(HttpResponse::Ok().json(told))
}

fn rule_score(rule: &Record<ScoringRule>, given: Option<(i64, Option<Timestamp>)>) -> RuleScore {
    RuleScore {
        rule_id: rule.id(),
        name: rule.get(ScoringRule::name).to_owned(),
        meets: given.is_some(),
        points: rule.get(ScoringRule::points),
        counted: given.map_or(0, |(points, _)| points),
        fades_from: given.and_then(|(_, since)| since),
    }
}

fn learned(prediction: Prediction, sees: &dyn Fn(&str) -> bool) -> LearnedScore {
    let reasons = prediction.weights.into_iter().filter(|weight| sees(&weight.field)).map(|weight| {
        let Ends { won, lost } = weight.of_value;
        let (log_odds, percent) = (rounded(weight.log_odds, 4), rounded(weight.share * 100.0, 2));
        ScoreReason { field: weight.field, value: weight.value, won, lost, log_odds, percent }
    });
    LearnedScore {
        probability: rounded(prediction.probability, 4),
        prior_log_odds: rounded(prediction.prior, 4),
        reasons: reasons.collect(),
    }
}

fn rounded(number: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (number * scale).round() / scale
}
