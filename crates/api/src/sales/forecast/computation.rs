//! The figures of a forecast: sums by owner, team and currency, and who of them counts in which row.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

use farley_domain::{
    identity::{
        access::Action,
        team::{Team, subtree},
        user::User,
    },
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        handle::Handle,
        record::Record,
    },
    query::predicate::Predicate,
    sales::{
        opportunity::{ForecastCategory, Opportunity, OpportunityStatus},
        quota::{ForecastOverride, ForecastPart, Quota, SetFigure},
    },
    values::{
        calendar::{Period, start_of_day},
        id::Id,
        time::Timestamp,
    },
};
use farley_persistence::{Group, Measure, Reader, StoreError, rounded};

use super::{ForecastFigures, ForecastLists, ForecastOpinion, ForecastOverrides, ForecastQuery, ForecastRow};
use crate::{
    access::{
        principal::Principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::problem::Problem,
    records::lookup,
};

/// What a forecast is asked of.
pub struct Question<'a> {
    pub principal: &'a Principal,
    pub now: Timestamp,
    pub period: Period,
    pub pipeline: Option<Id>,
    pub as_of: Option<Timestamp>,
    pub rows: Predicate,
}

/// Whose figures are added up.
#[derive(Clone)]
enum Subject {
    All,
    /// A team with all below it.
    Team {
        id: Id,
        name: Option<String>,
        subtree: Vec<Id>,
    },
    /// A user; within a team, only what counts for that team itself.
    User {
        id: Id,
        name: Option<String>,
        within: Option<Option<Id>>,
    },
}

/// Owner, team and currency.
type Key = (Option<Id>, Option<Id>, String);

/// The sums of one owner, team and currency.
struct Sum {
    owner: Option<Id>,
    team: Option<Id>,
    currency: String,
    figures: ForecastFigures,
    weighted: Weighted,
}

/// A weighted sum that is not rounded yet: parts that were would not add up to the whole.
#[derive(Clone, Copy, Default)]
struct Weighted {
    whole: i128,
    hundredths: i128,
}

impl Weighted {
    fn add(&mut self, other: Weighted) {
        self.whole += other.whole;
        self.hundredths += other.hundredths;
    }
}

impl Question<'_> {
    /// The rows of a user, of a team with what it consists of, or of everybody.
    pub fn answer(&self, reader: &mut Reader<'_>, user: Option<Id>, team: Option<Id>) -> Result<Vec<ForecastRow>, Problem> {
        let sums = self.sums(reader)?;
        let quotas = self.visible::<Quota>(reader, None)?;
        let opinions = self.visible::<ForecastOverride>(reader, self.as_of)?;
        let mut subjects = self.subjects(reader, user, team)?;
        // Who has nothing, not even a quota, has no row; but the whole asked for always has one.
        let whole = subjects.remove(0);
        let mut rows = self.rows_of(&whole, &sums, &quotas, &opinions)?;
        if rows.is_empty() {
            rows.push(self.row(&whole, self.principal.tenant.currency.code(), &sums, &quotas, &opinions)?);
        }
        for subject in subjects {
            rows.extend(self.rows_of(&subject, &sums, &quotas, &opinions)?);
        }
        Ok(rows)
    }

    /// The whole asked for, then what it consists of.
    fn subjects(&self, reader: &mut Reader<'_>, user: Option<Id>, team: Option<Id>) -> Result<Vec<Subject>, Problem> {
        let teams: Vec<Record<Team>> = lookup::all::<Team>(reader)?.into_iter().filter(|team| !team.is_archived()).collect();
        let mut users = lookup::all::<User>(reader)?;
        users.sort_by(|left, right| left.get(User::name).cmp(right.get(User::name)));
        let users_seen = self.principal.asker.rows(User::object(), Action::Read).is_some();
        let teams_seen = self.principal.asker.rows(Team::object(), Action::Read).is_some();
        let user_name = |user: &Record<User>| users_seen.then(|| user.get(User::name).to_owned());
        let team_name = |team: &Record<Team>| teams_seen.then(|| team.get(Team::name).to_owned());
        if let Some(id) = user {
            let found = users
                .iter()
                .find(|user| user.id() == id)
                .ok_or_else(|| Fault::new(ForecastQuery::user_id.name(), FaultCode::NotFound))?;
            return Ok(vec![Subject::User { id, name: user_name(found), within: None }]);
        }
        let of_team =
            |team: &Record<Team>| Subject::Team { id: team.id(), name: team_name(team), subtree: subtree(&teams, team.id()) };
        let mut subjects = vec![match team {
            Some(id) => of_team(
                teams
                    .iter()
                    .find(|team| team.id() == id)
                    .ok_or_else(|| Fault::new(ForecastQuery::team_id.name(), FaultCode::NotFound))?,
            ),
            None => Subject::All,
        }];
        let mut below: Vec<&Record<Team>> = teams.iter().filter(|child| child.get(Team::parent_id) == team).collect();
        below.sort_by(|left, right| left.get(Team::name).cmp(right.get(Team::name)));
        subjects.extend(below.into_iter().map(of_team));
        subjects.extend(users.iter().map(|user| Subject::User { id: user.id(), name: user_name(user), within: Some(team) }));
        Ok(subjects)
    }

    fn sums(&self, reader: &mut Reader<'_>) -> Result<Vec<Sum>, Problem> {
        let mut shared = Predicate::Archived(false).and(self.rows.clone());
        if let Some(pipeline) = self.pipeline {
            shared = shared.and(Opportunity::pipeline_id.eq(pipeline));
        }
        let categories = [ForecastCategory::Pipeline, ForecastCategory::BestCase, ForecastCategory::Commit];
        let open = shared
            .clone()
            .and(Opportunity::status.eq(OpportunityStatus::Open))
            .and(Opportunity::forecast_category.is_in(categories))
            .and(Opportunity::expected_close_on.gte(self.period.start))
            .and(Opportunity::expected_close_on.lt(self.period.end()));
        let (from, to) = self.times();
        let won = shared
            .and(Opportunity::status.eq(OpportunityStatus::Won))
            .and(Opportunity::closed_at.gte(from))
            .and(Opportunity::closed_at.lt(to));
        let (amount, probability) = (Opportunity::amount.field().clone(), Opportunity::probability.field().clone());
        let currency = amount.currency().ok_or_else(Problem::not_found)?;
        let (owner, team) = (Opportunity::owner_id.field(), Opportunity::team_id.field());
        let groups = [owner, team, &currency, Opportunity::forecast_category.field()].map(Group::by);
        let measures = [Measure::Sum(amount.clone()), Measure::Weighted(amount, probability)];
        let mut sums: BTreeMap<Key, (ForecastFigures, Weighted)> = BTreeMap::new();
        for predicate in [open, won] {
            for row in reader.aggregate(Opportunity::object(), &predicate, &groups, &measures, (self.as_of, usize::MAX))? {
                let Some(currency) = row[2].as_text() else { continue };
                let key = (row[0].as_id(), row[1].as_id(), currency.to_owned());
                let number = |place: usize| row[place].as_integer().unwrap_or(0);
                let (figures, weighted) = sums.entry(key).or_default();
                let category = row[3].as_text().map(|name| {
                    let unknown = || Problem::internal("an opportunity has a forecast category that is none");
                    ForecastCategory::from_wire(name).ok_or_else(unknown)
                });
                let figure = match category.transpose()? {
                    Some(ForecastCategory::BestCase) => &mut figures.best_case,
                    Some(ForecastCategory::Commit) => &mut figures.commit,
                    Some(ForecastCategory::Closed) => &mut figures.closed,
                    Some(ForecastCategory::Pipeline | ForecastCategory::Omitted) | None => &mut figures.pipeline,
                };
                add(figure, number(4))?;
                weighted.add(Weighted { whole: number(5).into(), hundredths: number(6).into() });
            }
        }
        let sums = sums.into_iter();
        Ok(sums.map(|((owner, team, currency), (figures, weighted))| Sum { owner, team, currency, figures, weighted }).collect())
    }

    /// When the period begins, and when it is over.
    fn times(&self) -> (Timestamp, Timestamp) {
        let zone = self.principal.standards(self.now).zone;
        (start_of_day(self.period.start, zone), start_of_day(self.period.end(), zone))
    }

    /// The quotas or overrides of the period that the caller may see, the latest first: those of today, or those that there were at a
    /// time, as the times at which each was made and taken back tell.
    fn visible<E: SetFigure>(&self, reader: &mut Reader<'_>, at: Option<Timestamp>) -> Result<Vec<Record<E>>, Problem> {
        let Some(rows) = self.principal.asker.rows(E::object(), Action::Read) else { return Ok(Vec::new()) };
        let predicate = E::PERIOD.eq(self.period.to_string()).and(rows);
        let found = reader.find(&without_custom_fields(E::object()), &Unrestricted, &predicate, 100_000)?;
        let mut found: Vec<Record<E>> = found.into_iter().map(Record::into_entity).collect();
        found.retain(|record| record.get(E::PIPELINE_ID) == self.pipeline);
        found.retain(|record| match at {
            Some(at) => record.get(E::CREATED_AT) <= Some(at) && record.get(E::ARCHIVED_AT).is_none_or(|archived| archived > at),
            None => !record.is_archived(),
        });
        found.sort_by_key(|record| Reverse(record.get(E::CREATED_AT)));
        Ok(found)
    }

    /// One row for each currency that a subject has something in.
    fn rows_of(
        &self,
        subject: &Subject,
        sums: &[Sum],
        quotas: &[Record<Quota>],
        opinions: &[Record<ForecastOverride>],
    ) -> Result<Vec<ForecastRow>, StoreError> {
        let counted = sums.iter().filter(|sum| subject.counts(sum)).map(|sum| sum.currency.clone());
        let mut currencies: BTreeSet<String> = counted.collect();
        currencies.extend(quotas.iter().filter(|quota| subject.is_subject_of(quota)).filter_map(currency_of));
        currencies.extend(opinions.iter().filter(|opinion| subject.is_subject_of(opinion)).filter_map(currency_of));
        currencies.iter().map(|currency| self.row(subject, currency, sums, quotas, opinions)).collect()
    }

    fn row(
        &self,
        subject: &Subject,
        currency: &str,
        sums: &[Sum],
        quotas: &[Record<Quota>],
        opinions: &[Record<ForecastOverride>],
    ) -> Result<ForecastRow, StoreError> {
        let (mut computed, mut weighted) = (ForecastFigures::default(), Weighted::default());
        for sum in sums.iter().filter(|sum| sum.currency == currency && subject.counts(sum)) {
            add(&mut computed.pipeline, sum.figures.pipeline)?;
            add(&mut computed.best_case, sum.figures.best_case)?;
            add(&mut computed.commit, sum.figures.commit)?;
            add(&mut computed.closed, sum.figures.closed)?;
            weighted.add(sum.weighted);
        }
        computed.weighted = rounded(weighted.whole, weighted.hundredths)?;
        let opinion = |part: ForecastPart| {
            let mut of_part = opinions.iter().filter(|opinion| opinion.get(ForecastOverride::category) == Some(part));
            of_part.find(|opinion| subject.has(opinion, currency)).map(opinion)
        };
        let quota = quotas.iter().find(|quota| subject.has(quota, currency));
        let quota = quota.and_then(|quota| quota.get(Quota::amount)).map(|amount| amount.amount);
        #[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
        let attainment = quota.filter(|quota| *quota > 0).map(|quota| computed.closed as f64 / quota as f64);
        let (kind, id, name) = match subject {
            Subject::All => ("all", None, None),
            Subject::Team { id, name, .. } => ("team", Some(*id), name.clone()),
            Subject::User { id, name, .. } => ("user", Some(*id), name.clone()),
        };
        Ok(ForecastRow {
            kind,
            id,
            name,
            currency: currency.to_owned(),
            computed,
            overrides: ForecastOverrides {
                pipeline: opinion(ForecastPart::Pipeline),
                best_case: opinion(ForecastPart::BestCase),
                commit: opinion(ForecastPart::Commit),
                closed: opinion(ForecastPart::Closed),
            },
            quota,
            attainment,
            lists: self.lists(subject, currency),
        })
    }

    fn lists(&self, subject: &Subject, currency: &str) -> ForecastLists {
        let (from, to) = self.times();
        let (start, end) = (self.period.start, self.period.end());
        let of_subject = |list: List| match subject {
            Subject::All => list,
            Subject::Team { subtree, .. } => {
                let ids: Vec<String> = subtree.iter().map(ToString::to_string).collect();
                list.with(Opportunity::team_id, "_in", ids.join(","))
            }
            Subject::User { id, within: None, .. } => list.with(Opportunity::owner_id, "", id),
            Subject::User { id, within: Some(Some(team)), .. } => {
                list.with(Opportunity::owner_id, "", id).with(Opportunity::team_id, "", team)
            }
            Subject::User { id, within: Some(None), .. } => {
                list.with(Opportunity::owner_id, "", id).with(Opportunity::team_id, "_null", true)
            }
        };
        let shared = |list: List| {
            let mut list = of_subject(list.with(Opportunity::amount, ".currency", currency));
            if let Some(pipeline) = self.pipeline {
                list = list.with(Opportunity::pipeline_id, "", pipeline);
            }
            match self.as_of {
                Some(time) => format!("{}&as_of={time}", list.0),
                None => list.0,
            }
        };
        let open = |category: ForecastCategory| {
            let list = List::of(OpportunityStatus::Open).with(Opportunity::forecast_category, "", category.as_str());
            let list = list.with(Opportunity::expected_close_on, "_gte", start).with(Opportunity::expected_close_on, "_lt", end);
            shared(list)
        };
        let won = List::of(OpportunityStatus::Won);
        ForecastLists {
            pipeline: open(ForecastCategory::Pipeline),
            best_case: open(ForecastCategory::BestCase),
            commit: open(ForecastCategory::Commit),
            closed: shared(won.with(Opportunity::closed_at, "_gte", from).with(Opportunity::closed_at, "_lt", to)),
        }
    }
}

/// The path of a list of opportunities.
struct List(String);

impl List {
    fn of(status: OpportunityStatus) -> List {
        List(format!("/v1/{}?{}={}", Opportunity::object().collection, Opportunity::status.name(), status.as_str()))
    }

    /// Narrows it by a filter on a field, with the suffix of the operator.
    fn with<T>(self, field: Handle<Opportunity, T>, operator: &str, value: impl Display) -> List {
        List(format!("{}&{}{operator}={value}", self.0, field.name()))
    }
}

fn add(sum: &mut i64, more: i64) -> Result<(), StoreError> {
    *sum = sum.checked_add(more).ok_or(StoreError::SumTooLarge)?;
    Ok(())
}

impl Subject {
    fn counts(&self, sum: &Sum) -> bool {
        match self {
            Subject::All => true,
            Subject::Team { subtree, .. } => sum.team.is_some_and(|team| subtree.contains(&team)),
            Subject::User { id, within, .. } => sum.owner == Some(*id) && within.is_none_or(|team| sum.team == team),
        }
    }

    /// Whether a quota or an override is the subject's own.
    fn is_subject_of<E: SetFigure>(&self, record: &Record<E>) -> bool {
        let (user, team) = (record.get(E::USER_ID), record.get(E::TEAM_ID));
        match self {
            Subject::All => user.is_none() && team.is_none(),
            Subject::Team { id, .. } => user.is_none() && team == Some(*id),
            Subject::User { id, within, .. } => user == Some(*id) && within.is_none_or(|within| team == within),
        }
    }

    /// Whether it is also of a currency.
    fn has<E: SetFigure>(&self, record: &Record<E>, currency: &str) -> bool {
        self.is_subject_of(record) && record.get(E::AMOUNT).is_some_and(|amount| amount.currency.code() == currency)
    }
}

fn currency_of<E: SetFigure>(record: &Record<E>) -> Option<String> {
    record.get(E::AMOUNT).map(|amount| amount.currency.to_string())
}

fn opinion(record: &Record<ForecastOverride>) -> ForecastOpinion {
    ForecastOpinion {
        id: record.id(),
        amount: record.get(ForecastOverride::amount).map_or(0, |amount| amount.amount),
        comment: record.get(ForecastOverride::comment).map(str::to_owned),
        by: record.get(ForecastOverride::created_by),
        at: record.get(ForecastOverride::created_at).map_or_else(String::new, |at| at.to_string()),
    }
}
