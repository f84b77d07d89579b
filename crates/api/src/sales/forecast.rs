//! Forecasts: what users and teams will win in a period, computed from their opportunities, beside their quotas and what managers
//! think of it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    sync::Arc,
};

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    identity::{
        access::Action,
        team::{Team, subtree},
        user::User,
    },
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults},
        handle::Handle,
        record::Record,
    },
    query::predicate::Predicate,
    sales::{
        opportunity::{ForecastCategory, Opportunity, OpportunityStatus},
        quota::{ForecastOverride, ForecastPart, Quota, SetFigure, sales_period},
    },
    values::{
        calendar::{Period, start_of_day},
        id::Id,
        time::Timestamp,
    },
};
use farley_persistence::{Group, Measure, Reader, StoreError, rounded};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{
        call::Call,
        principal::Principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::{problem::Problem, request::parameters},
    records::{body, lookup},
};

/// A forecast of a period.
#[derive(Serialize, ToSchema)]
pub struct Forecast {
    #[schema(example = "2026-Q4")]
    pub period: String,
    /// The first day.
    #[schema(value_type = String, format = "date", example = "2026-10-01")]
    pub starts_on: chrono::NaiveDate,
    /// The last day.
    #[schema(value_type = String, format = "date", example = "2026-12-31")]
    pub ends_on: chrono::NaiveDate,
    /// As of when: null for now.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub as_of: Option<Timestamp>,
    /// The whole asked for first, then its teams, then its users; each in every currency that it has something in.
    pub data: Vec<ForecastRow>,
}

/// The forecast of one user, one team with the teams below it, or all that you may see, in one currency.
#[derive(Clone, Serialize, ToSchema)]
pub struct ForecastRow {
    /// `all`, `team` or `user`.
    #[schema(example = "team")]
    pub kind: &'static str,
    /// The id of the team or user; null for all.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub id: Option<Id>,
    #[schema(example = "华东销售部")]
    pub name: Option<String>,
    #[schema(example = "CNY")]
    pub currency: String,
    pub computed: ForecastFigures,
    /// What was last put beside the computed figures; each null where nothing was.
    pub overrides: ForecastOverrides,
    /// The quota set for just this user, team or company, period, pipeline and currency, in minor units; null where none is. Quotas of members or of
    /// shorter periods are not added up.
    #[schema(example = 100_000_000)]
    pub quota: Option<i64>,
    /// closed ÷ quota: 1 where it is met, more where it is exceeded; null without a quota, or where it is 0. What is open does not count.
    #[schema(example = 0.42)]
    pub attainment: Option<f64>,
    /// The opportunities counted: paths that list them.
    pub lists: ForecastLists,
}

/// Sums of amounts, in minor units. Each opportunity is in one of the first four; a lost one is in none.
#[derive(Clone, Copy, Default, Serialize, ToSchema)]
pub struct ForecastFigures {
    /// Open ones of the category `pipeline` that are expected to close in the period.
    #[schema(example = 50_000_000)]
    pub pipeline: i64,
    /// The same of the category `best_case`.
    #[schema(example = 20_000_000)]
    pub best_case: i64,
    /// The same of the category `commit`.
    #[schema(example = 30_000_000)]
    pub commit: i64,
    /// Those won in the period, by the day of `closed_at` in the tenant's time zone.
    #[schema(example = 42_000_000)]
    pub closed: i64,
    /// closed, and of the open ones of the three categories amount × probability ÷ 100 (0 without a probability): added up exactly, and rounded once to a
    /// minor unit.
    #[schema(example = 81_500_000)]
    pub weighted: i64,
}

/// Figures that somebody put beside the computed ones.
#[derive(Clone, Default, Serialize, ToSchema)]
pub struct ForecastOverrides {
    pub pipeline: Option<ForecastOpinion>,
    pub best_case: Option<ForecastOpinion>,
    pub commit: Option<ForecastOpinion>,
    pub closed: Option<ForecastOpinion>,
}

/// What somebody thinks a figure will come to.
#[derive(Clone, Serialize, ToSchema)]
pub struct ForecastOpinion {
    /// The forecast override.
    #[schema(value_type = String, format = "uuid")]
    pub id: Id,
    /// Minor units.
    #[schema(example = 28_000_000)]
    pub amount: i64,
    pub comment: Option<String>,
    #[schema(value_type = Option<String>, format = "uuid")]
    pub by: Option<Id>,
    #[schema(value_type = String, format = "date-time", example = "2026-10-05T08:00:00.000Z")]
    pub at: String,
}

/// Paths that list the opportunities of each figure.
#[derive(Clone, Serialize, ToSchema)]
pub struct ForecastLists {
    #[schema(
        example = "/v1/opportunities?status=open&forecast_category=pipeline&expected_close_on_gte=2026-10-01&expected_close_on_lt=2027-01-01&amount.currency=CNY"
    )]
    pub pipeline: String,
    pub best_case: String,
    pub commit: String,
    pub closed: String,
}

crate::query! {
    /// Which period, and whose opportunities.
    pub struct ForecastQuery {
        /// A month, quarter or year: `2026-10`, `2026-Q4`, `2026`.
        period: String => text(20).required().example("2026-Q4"),
        /// The forecast of one user.
        user_id: Option<Id> => reference("user"),
        /// The forecast of a team: its own, of each team right below it, and of each user in it.
        team_id: Option<Id> => reference("team"),
        /// Only opportunities of this pipeline, and quotas for it.
        pipeline_id: Option<Id> => reference("pipeline"),
        /// What was thought at that time; RFC 3339.
        as_of: Option<Timestamp> => datetime().example("2026-10-01T00:00:00Z"),
    }
}

/// The forecast of a period
///
/// What the opportunities that you may see come to in a month, quarter or year: for a user, for a team with its teams and users, or for all. Lost
/// opportunities count nowhere. Quotas and overrides stand beside the computed figures and change none of them. With `as_of`, the
/// figures are those of that time, out of the ledger, with the overrides that had been made by then; quotas are today's.
#[utoipa::path(tag = "forecasts", operation_id = "getForecast",
    params(ForecastQuery),
    responses((status = 200, description = "The forecast.", body = Forecast)))]
#[get("/v1/forecasts")]
pub async fn forecast(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let rows = call.rows(Opportunity::object(), Action::Read)?;
    // A forecast is nothing but sums of amounts, by what else is said of them here.
    let made_of = [
        Opportunity::amount.field(),
        Opportunity::probability.field(),
        Opportunity::forecast_category.field(),
        Opportunity::status.field(),
        Opportunity::expected_close_on.field(),
        Opportunity::closed_at.field(),
    ];
    call.demand_fields(Opportunity::object(), &made_of)?;
    let given = parameters(&request)?;
    // A period is a text of its own kind, told of with whatever else is at fault.
    let period_of =
        |text: &str| sales_period(text).ok_or_else(|| Fault::new(ForecastQuery::period.name(), FaultCode::InvalidPeriod));
    let asked = match body::read_query::<ForecastQuery>(&given) {
        Ok(asked) => asked,
        Err(mut faults) => {
            let text = given.iter().find(|(name, text)| name == ForecastQuery::period.name() && !text.trim().is_empty());
            faults.keep(text.map(|(_, text)| period_of(text)).transpose());
            return Err(faults.into());
        }
    };
    let mut faults = Faults::default();
    let (user, team) = (asked.get(ForecastQuery::user_id), asked.get(ForecastQuery::team_id));
    let (pipeline, as_of) = (asked.get(ForecastQuery::pipeline_id), asked.get(ForecastQuery::as_of));
    let period = faults.keep(period_of(asked.get(ForecastQuery::period)));
    if user.is_some() && team.is_some() {
        let fault = Fault::new(ForecastQuery::team_id.name(), FaultCode::Conflicting);
        faults.add(fault.with("other", ForecastQuery::user_id.name()));
    }
    let Some(period) = period.filter(|_| faults.is_empty()) else { return Err(faults.into()) };
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let forecast = call
        .state
        .store
        .read_heavily::<_, Problem>(call.claim(), move |reader| {
            let asked = Question { principal: &principal, now, period, pipeline, as_of, rows: rows.clone().now() };
            let data = asked.answer(reader, user, team)?;
            let ends_on = period.end().pred_opt().unwrap_or(period.start);
            Ok(Forecast { period: period.to_string(), starts_on: period.start, ends_on, as_of, data })
        })
        .await?;
    Ok(HttpResponse::Ok().json(forecast))
}

/// What a forecast is asked of.
struct Question<'a> {
    principal: &'a Principal,
    now: Timestamp,
    period: Period,
    pipeline: Option<Id>,
    as_of: Option<Timestamp>,
    rows: Predicate,
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
    fn answer(&self, reader: &mut Reader<'_>, user: Option<Id>, team: Option<Id>) -> Result<Vec<ForecastRow>, Problem> {
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
                .ok_or_else(|| Fault::new(Quota::user_id.name(), FaultCode::NotFound))?;
            return Ok(vec![Subject::User { id, name: user_name(found), within: None }]);
        }
        let of_team =
            |team: &Record<Team>| Subject::Team { id: team.id(), name: team_name(team), subtree: subtree(&teams, team.id()) };
        let mut subjects = vec![match team {
            Some(id) => of_team(
                teams
                    .iter()
                    .find(|team| team.id() == id)
                    .ok_or_else(|| Fault::new(Quota::team_id.name(), FaultCode::NotFound))?,
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
