//! Scores of leads: points by rules, and a probability learned from how the tenant's own leads ended.

use serde_json::Value;

use super::{lead::Lead, status::LeadStatus};
use crate::{
    entity,
    model::{
        cell::Cell,
        entity::Entity,
        fault::{Fault, FaultCode, unknown},
        field::FieldType,
        object::Schema,
        record::{Draft, Record},
    },
    values::time::{Timestamp, start_of_day},
};

entity! {
    /// A scoring rule: which leads it gives or takes points. The sum of all is the lead's `score`: computed when a lead is written, and again every hour, as points fade.
    pub struct ScoringRule("scoring_rule", "scoring-rules", "scoring_rules", "Scoring rule", "评分规则") [external] {
        /// What the rule is called.
        name: String => text(120).required().title().indexed().label("Name", "名称").example("来自展会"),
        /// Whether it counts.
        is_active: bool => boolean().default(true).label("Active", "启用").example(true),
        /// Which leads it is for: a filter over the lead's own fields; every lead, if none.
        filter: Option<Value> => structure(&crate::model::structures::filter::FILTER).opaque().label("Filter", "条件").example(serde_json::json!({"field": "source", "op": "eq", "value": "展会"})),
        /// How many points it gives, or takes if negative.
        points: i64 => integer(-1_000, 1_000).default(10).label("Points", "分值").example(20),
        /// A date or time of the lead from which on the points fade: `last_activity_at`, `created_at`, `custom.key` …
        decay_field: Option<String> => text(100).opaque().label("Fades from", "衰减起点字段").example("created_at").required_when(crate::model::field::when_given("half_life_days")),
        /// After how many days half of the points are left.
        half_life_days: Option<i64> => integer(1, 3_650).label("Half-life", "半衰期（天）").example(30).only_when(crate::model::field::when_given("decay_field")),
    }
    extend |object| object.configuration().rule(decay_is_whole)
}

fn decay_is_whole(draft: &mut Draft<'_, ScoringRule>) {
    let decay_field = draft.after.get(ScoringRule::decay_field).map(str::to_owned);
    match (decay_field.as_deref(), draft.after.is_null(ScoringRule::half_life_days)) {
        (Some(_), true) => draft.fault(ScoringRule::half_life_days.pointer(), FaultCode::Required),
        (None, false) => draft.fault(ScoringRule::decay_field.pointer(), FaultCode::Required),
        (Some(path), false) if path.split_once('.').is_none_or(|(outer, _)| outer != Lead::custom.name()) => {
            let is_time = |kind: &FieldType| matches!(kind, FieldType::Date | FieldType::DateTime);
            let object = Lead::object();
            if object.field(path).is_none_or(|field| !is_time(&field.kind)) {
                let names = object.fields.iter().filter(|field| is_time(&field.kind)).map(|field| field.name.as_ref());
                draft.faults.add(unknown(ScoringRule::decay_field.pointer(), FaultCode::UnknownMember, path, names));
            }
        }
        (Some(_) | None, _) => {}
    }
}

/// The points of a rule for a lead that meets it, and from when on they fade. Points that fade from a time that the lead does not
/// have, or that is still to come, are whole; half are left after the half-life, a quarter after twice that, rounded half away
/// from zero.
#[must_use]
pub fn points(
    rule: &Record<ScoringRule>,
    schema: &Schema,
    lead: &Record<Lead>,
    zone: chrono_tz::Tz,
    now: Timestamp,
) -> (i64, Option<Timestamp>) {
    let whole = rule.get(ScoringRule::points);
    let since = rule.get(ScoringRule::decay_field).and_then(|path| {
        let cell = lead.cell(schema.field(path)?);
        if let Cell::Date(date) = *cell {
            return Some(start_of_day(date, zone));
        }
        if let Cell::Time(time) = *cell { Some(time) } else { None }
    });
    match (since, rule.get(ScoringRule::half_life_days)) {
        (Some(since), Some(half_life)) => (faded(whole, since, half_life, now), Some(since)),
        (Some(_) | None, _) => (whole, None),
    }
}

/// What is left of points.
#[must_use]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "at most a thousand points")]
pub fn faded(points: i64, since: Timestamp, half_life_days: i64, now: Timestamp) -> i64 {
    let seconds = (now.milliseconds() - since.milliseconds()).max(0) as f64 / 1000.0;
    let halves = seconds / (half_life_days.max(1) as f64 * 86_400.0);
    (points as f64 * 0.5_f64.powf(halves)).round() as i64
}

/// How many leads of each end there must be before anything is learned from them.
pub const ENOUGH: i64 = 20;

/// How a lead ended: won if it was converted, lost if it was given up.
#[must_use]
pub fn won(lead: &Record<Lead>) -> Option<bool> {
    if lead.is_archived() {
        return None;
    }
    match LeadStatus::of(lead) {
        LeadStatus::Converted => Some(true),
        LeadStatus::Disqualified => Some(false),
        LeadStatus::New | LeadStatus::Contacted | LeadStatus::Qualified => None,
    }
}

/// What is known of a lead: field and value, in a fixed order. Fields without a value tell nothing. Whether there is a phone
/// number, an e-mail address, a company, is told as `has_phones` …
#[must_use]
pub fn features(schema: &Schema, lead: &Record<Lead>) -> Vec<(String, String)> {
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    };
    // The fields that ends are counted by, beside the tenant's own choices and flags.
    let counted =
        [Lead::source.field(), Lead::region.field(), Lead::industry.field(), Lead::rating.field(), Lead::campaign_id.field()];
    let declared = counted.into_iter().filter_map(|field| Some((field.name.to_string(), text(lead.json(field))?)));
    let asked = [Lead::phones.field(), Lead::emails.field(), Lead::company.field()];
    let present = asked.into_iter().map(|field| (format!("has_{}", field.name), (!lead.cell(field).is_empty()).to_string()));
    let custom = schema.custom.iter().filter(|field| matches!(field.kind, FieldType::Choice(_) | FieldType::Boolean));
    let custom = custom.filter_map(|field| Some((field.path(), text(lead.json(field))?)));
    let mut features: Vec<(String, String)> = declared.chain(present).chain(custom).collect();
    features.sort();
    features
}

/// How many leads ended which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    pub won: i64,
    pub lost: i64,
}

/// What is known of the leads that shared one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    pub field: String,
    pub value: String,
    /// Ends of leads with this value.
    pub of_value: Ends,
    /// Ends of leads with any value of the field.
    pub of_field: Ends,
    /// How many values of the field are known.
    pub values: i64,
}

/// What one field adds to the odds.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    pub field: String,
    pub value: String,
    pub of_value: Ends,
    /// The natural logarithm of how much likelier the value is among won leads than among lost ones.
    pub log_odds: f64,
    /// By how much the probability would be lower without it.
    pub share: f64,
}

/// The probability of a lead to be converted.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    pub probability: f64,
    /// The odds of any lead, as a logarithm.
    pub prior: f64,
    /// What each field adds, the greatest effect first.
    pub weights: Vec<Weight>,
}

/// Naive Bayes with Laplace smoothing (add one): P(value | end) = (leads of that end with the value + 1) ÷ (leads of that end
/// with any value of the field + number of values). Too little history gives nothing.
#[must_use]
pub fn predict(all: Ends, evidence: &[Evidence]) -> Option<Prediction> {
    if all.won < ENOUGH || all.lost < ENOUGH {
        return None;
    }
    let prior = ratio(all.won, all.lost);
    let log_odds: Vec<f64> = evidence.iter().map(log_odds).collect();
    let sum = prior + log_odds.iter().sum::<f64>();
    let probability = sigmoid(sum);
    let mut weights: Vec<Weight> = evidence
        .iter()
        .zip(log_odds)
        .map(|(evidence, log_odds)| Weight {
            field: evidence.field.clone(),
            value: evidence.value.clone(),
            of_value: evidence.of_value,
            log_odds,
            share: probability - sigmoid(sum - log_odds),
        })
        .collect();
    weights.sort_by(|a, b| b.log_odds.abs().total_cmp(&a.log_odds.abs()).then_with(|| a.field.cmp(&b.field)));
    Some(Prediction { probability, prior, weights })
}

#[allow(clippy::cast_precision_loss, reason = "counts of leads")]
fn ratio(won: i64, lost: i64) -> f64 {
    (won as f64 / lost as f64).ln()
}

#[allow(clippy::cast_precision_loss, reason = "counts of leads")]
fn log_odds(evidence: &Evidence) -> f64 {
    // A value never seen before is one more.
    let unseen = i64::from(evidence.of_value == Ends::default());
    let values = evidence.values + unseen;
    let share = |of_value: i64, of_field: i64| (of_value + 1) as f64 / (of_field + values) as f64;
    (share(evidence.of_value.won, evidence.of_field.won) / share(evidence.of_value.lost, evidence.of_field.lost)).ln()
}

fn sigmoid(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// The fault of a lead's field that cannot be scored by.
#[must_use]
pub fn unknown_custom(rule: &Record<ScoringRule>, schema: &Schema) -> Option<Fault> {
    let path = rule.get(ScoringRule::decay_field)?;
    let is_time = schema.field(path).is_some_and(|field| matches!(field.kind, FieldType::Date | FieldType::DateTime));
    (!is_time).then(|| Fault::new(ScoringRule::decay_field.pointer(), FaultCode::UnknownMember))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn at(days: i64) -> Timestamp {
        Timestamp::from_milliseconds(0).plus_seconds(days * 86_400)
    }

    #[test]
    fn points_fade_by_halves() {
        assert_eq!(faded(80, at(0), 30, at(0)), 80);
        assert_eq!(faded(80, at(0), 30, at(30)), 40);
        assert_eq!(faded(-80, at(0), 30, at(60)), -20);
        assert_eq!(faded(80, at(10), 30, at(0)), 80, "what is to come has not begun to fade");
        assert_eq!(faded(80, at(0), 30, at(3_000)), 0);
    }

    #[test]
    fn too_little_history_tells_nothing() {
        assert_eq!(predict(Ends { won: ENOUGH, lost: ENOUGH - 1 }, &[]), None);
        let even = predict(Ends { won: ENOUGH, lost: ENOUGH }, &[]).map(|prediction| prediction.probability);
        assert_eq!(even, Some(0.5));
    }

    type Lead3 = [u8; 3];

    /// Straight from the leads, by the book.
    fn by_the_book(leads: &[(Lead3, bool)], asked: Lead3) -> f64 {
        let of = |end: bool| leads.iter().filter(move |(_, won)| *won == end);
        let mut odds = of(true).count() as f64 / of(false).count() as f64;
        for field in 0..3 {
            let mut values: Vec<u8> = leads.iter().map(|(lead, _)| lead[field]).collect();
            values.push(asked[field]);
            values.sort_unstable();
            values.dedup();
            let share = |end: bool| {
                let with = of(end).filter(|(lead, _)| lead[field] == asked[field]).count() as f64;
                (with + 1.0) / (of(end).count() as f64 + values.len() as f64)
            };
            odds *= share(true) / share(false);
        }
        odds / (1.0 + odds)
    }

    proptest! {
        /// Counts kept as leads end, are opened again and change give the same as counting all of them anew.
        #[test]
        fn kept_counts_predict_as_a_recount_does(
            leads in prop::collection::vec((prop::array::uniform3(0_u8..4), any::<bool>(), any::<bool>()), 60..200),
            asked in prop::array::uniform3(0_u8..5),
        ) {
            let mut counts: HashMap<(usize, u8), Ends> = HashMap::new();
            let mut all = Ends::default();
            let mut count = |lead: &Lead3, won: bool, by: i64| {
                for (field, value) in lead.iter().enumerate() {
                    let ends = counts.entry((field, *value)).or_default();
                    if won { ends.won += by } else { ends.lost += by }
                }
                if won { all.won += by } else { all.lost += by }
            };
            for (lead, won, reopened) in &leads {
                count(lead, *won, 1);
                if *reopened {
                    count(lead, *won, -1);
                }
            }
            let kept: Vec<(Lead3, bool)> = leads.iter().filter(|lead| !lead.2).map(|lead| (lead.0, lead.1)).collect();
            let evidence: Vec<Evidence> = asked.iter().enumerate().map(|(field, value)| {
                let known = || counts.iter().filter(move |((of, _), ends)| *of == field && ends.won + ends.lost > 0);
                Evidence {
                    field: field.to_string(),
                    value: value.to_string(),
                    of_value: counts.get(&(field, *value)).copied().unwrap_or_default(),
                    of_field: known().fold(Ends::default(), |sum, (_, ends)| Ends { won: sum.won + ends.won, lost: sum.lost + ends.lost }),
                    values: known().count() as i64,
                }
            }).collect();
            match predict(all, &evidence) {
                None => prop_assert!(all.won < ENOUGH || all.lost < ENOUGH),
                Some(prediction) => {
                    prop_assert!((prediction.probability - by_the_book(&kept, asked)).abs() < 1e-9);
                    let sum = prediction.prior + prediction.weights.iter().map(|weight| weight.log_odds).sum::<f64>();
                    prop_assert!((sigmoid(sum) - prediction.probability).abs() < 1e-12);
                }
            }
        }
    }
}
