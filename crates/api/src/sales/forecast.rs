//! Forecasts: what users and teams will win in a period, computed from their opportunities, beside their quotas and what managers
//! think of it.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, get};
use farley_domain::{
    calendar::{Period, start_of_day},
    entity::Entity,
    fault::{Fault, FaultCode, Faults},
    field::Op,
    id::Id,
    identity::{
        access::Action,
        team::{Team, subtree},
        user::User,
    },
    object::Object,
    predicate::{Operand, Predicate},
    record::Record,
    sales::{
        opportunity::Opportunity,
        quota::{ForecastOverride, Quota, sales_period},
    },
    time::Timestamp,
};
use farley_persistence::{Group, Measure, Reader, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{
        call::Call,
        principal::Principal,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::{
        problem::Problem,
        request::{parameters, refuse_rest, take, take_required},
    },
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
    /// The quota, in minor units; null where none is set.
    #[schema(example = 100_000_000)]
    pub quota: Option<i64>,
    /// closed ÷ quota, 1 where it is met; null without a quota.
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
    /// closed, and of the open ones of the three categories amount × probability.
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

/// The forecast of a period
///
/// What the opportunities that you may see come to in a month, quarter or year: for a user, for a team with its teams and users, or for all. Lost
/// opportunities count nowhere. Quotas and overrides stand beside the computed figures and change none of them. With `as_of`, the
/// figures are those of that time, out of the ledger, with the overrides that had been made by then; quotas are today's.
#[utoipa::path(tag = "forecasts", operation_id = "getForecast",
    params(("period" = String, Query, description = "A month, quarter or year: `2026-10`, `2026-Q4`, `2026`.", example = "2026-Q4"),
           ("user_id" = Option<String>, Query, description = "The forecast of one user."),
           ("team_id" = Option<String>, Query, description = "The forecast of a team: its own, of each team right below it, and of each user in it."),
           ("pipeline_id" = Option<String>, Query, description = "Only opportunities of this pipeline, and quotas for it."),
           ("as_of" = Option<String>, Query, description = "What was thought at that time; RFC 3339.", example = "2026-10-01T00:00:00Z")),
    responses((status = 200, description = "The forecast.", body = Forecast)))]
#[get("/v1/forecasts")]
pub async fn forecast(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    const KNOWN: &[&str] = &["period", "user_id", "team_id", "pipeline_id", "as_of"];
    let rows = call.rows(Opportunity::object(), Action::Read)?;
    // A forecast is nothing but sums of amounts.
    let object = Opportunity::object();
    if !object.field("amount").is_some_and(|field| call.principal.asker.sees(object, field)) {
        return Err(Problem::forbidden("read", "opportunity.amount"));
    }
    let mut parameters = parameters(&request)?;
    let text = take_required(&mut parameters, "period", KNOWN)?;
    let mut faults = Faults::default();
    let mut id = |name: &str| -> Result<Option<Id>, Problem> {
        let given = take(&mut parameters, name)?.map(|id| id.parse::<Id>().map_err(|_| Fault::new(name, FaultCode::InvalidId)));
        Ok(faults.keep(given.transpose()).flatten())
    };
    let (user, team, pipeline) = (id("user_id")?, id("team_id")?, id("pipeline_id")?);
    let as_of = take(&mut parameters, "as_of")?;
    let as_of = as_of.map(|time| Timestamp::parse(&time).ok_or_else(|| Fault::new("as_of", FaultCode::InvalidTime)));
    let as_of = faults.keep(as_of.transpose()).flatten();
    let period = faults.keep(sales_period(&text).ok_or_else(|| Fault::new("period", FaultCode::InvalidPeriod)));
    if user.is_some() && team.is_some() {
        faults.add(Fault::new("team_id", FaultCode::Conflicting).with("other", "user_id"));
    }
    if let Err(problem) = refuse_rest(&parameters, KNOWN) {
        faults.0.extend(problem.faults.0);
    }
    let Some(period) = period.filter(|_| faults.is_empty()) else { return Err(faults.into()) };
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let forecast = call
        .state
        .store
        .read_heavily::<_, Problem>(call.claim(), move |reader| {
            let asked = Question { principal: &principal, now, period, pipeline, as_of, rows: rows.clone() };
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

/// The sums of one owner, team and currency.
struct Sum {
    owner: Option<Id>,
    team: Option<Id>,
    currency: String,
    figures: ForecastFigures,
}

impl Question<'_> {
    fn answer(&self, reader: &mut Reader<'_>, user: Option<Id>, team: Option<Id>) -> Result<Vec<ForecastRow>, Problem> {
        let sums = self.sums(reader)?;
        let quotas = self.visible(reader, Quota::object())?;
        let opinions = self.visible(reader, ForecastOverride::object())?;
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
        let teams: Vec<Record> = reader.all(Team::object())?.into_iter().filter(|team| !team.is_archived()).collect();
        let mut users = reader.all(User::object())?;
        users.sort_by(|left, right| left.text("name").cmp(&right.text("name")));
        let (users_seen, teams_seen) =
            (self.principal.asker.rows(User::object(), Action::Read), self.principal.asker.rows(Team::object(), Action::Read));
        let name = |record: &Record, seen: &Option<Predicate>| seen.as_ref().and_then(|_| record.text("name").map(str::to_owned));
        if let Some(id) = user {
            let found = users.iter().find(|user| user.id() == id).ok_or_else(|| Fault::new("user_id", FaultCode::NotFound))?;
            return Ok(vec![Subject::User { id, name: name(found, &users_seen), within: None }]);
        }
        let of_team =
            |team: &Record| Subject::Team { id: team.id(), name: name(team, &teams_seen), subtree: subtree(&teams, team.id()) };
        let mut subjects = vec![match team {
            Some(id) => {
                of_team(teams.iter().find(|team| team.id() == id).ok_or_else(|| Fault::new("team_id", FaultCode::NotFound))?)
            }
            None => Subject::All,
        }];
        let mut below: Vec<&Record> = teams.iter().filter(|child| child.id_of("parent_id") == team).collect();
        below.sort_by(|left, right| left.text("name").cmp(&right.text("name")));
        subjects.extend(below.into_iter().map(of_team));
        subjects.extend(users.iter().map(|user| Subject::User {
            id: user.id(),
            name: name(user, &users_seen),
            within: Some(team),
        }));
        Ok(subjects)
    }

    fn sums(&self, reader: &mut Reader<'_>) -> Result<Vec<Sum>, Problem> {
        let object = Opportunity::object();
        let field = |name: &str| object.field(name).ok_or_else(Problem::not_found);
        let test = |name: &str, op: Op, operand: Operand| Ok::<_, Problem>(Predicate::test(field(name)?, op, operand));
        let text = |text: &str| Operand::Text(text.to_owned());
        let mut shared = Predicate::Archived(false).and(self.rows.clone());
        if let Some(pipeline) = self.pipeline {
            shared = shared.and(test("pipeline_id", Op::Eq, Operand::Id(pipeline))?);
        }
        let categories = Operand::List(["pipeline", "best_case", "commit"].map(text).to_vec());
        let open = shared
            .clone()
            .and(test("status", Op::Eq, text("open"))?)
            .and(test("forecast_category", Op::In, categories)?)
            .and(test("expected_close_on", Op::Gte, Operand::Date(self.period.start))?)
            .and(test("expected_close_on", Op::Lt, Operand::Date(self.period.end()))?);
        let (from, to) = self.times();
        let won = shared
            .and(test("status", Op::Eq, text("won"))?)
            .and(test("closed_at", Op::Gte, Operand::Time(from))?)
            .and(test("closed_at", Op::Lt, Operand::Time(to))?);
        let amount = field("amount")?.clone();
        let currency = amount.currency().ok_or_else(Problem::not_found)?;
        let groups = [field("owner_id")?, field("team_id")?, &currency, field("forecast_category")?].map(Group::by);
        let measures = [Measure::Sum(amount.clone()), Measure::Weighted(amount, field("probability")?.clone())];
        let mut sums: BTreeMap<(Option<Id>, Option<Id>, String), ForecastFigures> = BTreeMap::new();
        for predicate in [open, won] {
            for row in reader.aggregate(object, &predicate, &groups, &measures, (self.as_of, usize::MAX))? {
                let Some(currency) = row[2].as_text() else { continue };
                let key = (row[0].as_id(), row[1].as_id(), currency.to_owned());
                let (amount, weighted) = (row[4].as_integer().unwrap_or(0), row[5].as_integer().unwrap_or(0));
                let figures = sums.entry(key).or_default();
                let figure = match row[3].as_text() {
                    Some("best_case") => &mut figures.best_case,
                    Some("commit") => &mut figures.commit,
                    Some("closed") => &mut figures.closed,
                    _ => &mut figures.pipeline,
                };
                add(figure, amount)?;
                add(&mut figures.weighted, weighted)?;
            }
        }
        Ok(sums.into_iter().map(|((owner, team, currency), figures)| Sum { owner, team, currency, figures }).collect())
    }

    /// When the period begins, and when it is over.
    fn times(&self) -> (Timestamp, Timestamp) {
        let zone = self.principal.standards(self.now).zone;
        (start_of_day(self.period.start, zone), start_of_day(self.period.end(), zone))
    }

    /// The quotas or overrides of the period that the caller may see, the latest first.
    fn visible(&self, reader: &mut Reader<'_>, object: &'static Object) -> Result<Vec<Record>, Problem> {
        let (Some(rows), Some(period)) = (self.principal.asker.rows(object, Action::Read), object.field("period")) else {
            return Ok(Vec::new());
        };
        let predicate = Predicate::test(period, Op::Eq, Operand::Text(self.period.to_string())).and(rows);
        let mut found = reader.find(&without_custom_fields(object), &Unrestricted, &predicate, 100_000)?;
        let pipeline = self.pipeline.map(|id| id.to_string());
        // What an override was is told by the time it was made and the time it was taken back.
        let is_override = object.name == ForecastOverride::object().name;
        let at = self.as_of.filter(|_| is_override);
        found.retain(|record| record.text("pipeline_id") == pipeline.as_deref());
        found.retain(|record| match at {
            Some(at) => {
                record.time_of("created_at") <= Some(at) && record.time_of("archived_at").is_none_or(|archived| archived > at)
            }
            None => !record.is_archived(),
        });
        found.sort_by_key(|record| std::cmp::Reverse(record.time_of("created_at")));
        Ok(found)
    }

    /// One row for each currency that a subject has something in.
    fn rows_of(
        &self,
        subject: &Subject,
        sums: &[Sum],
        quotas: &[Record],
        opinions: &[Record],
    ) -> Result<Vec<ForecastRow>, StoreError> {
        let mut currencies: Vec<&str> = sums.iter().filter(|sum| subject.counts(sum)).map(|sum| sum.currency.as_str()).collect();
        let aims = quotas.iter().chain(opinions).filter(|record| subject.is_subject_of(record));
        currencies.extend(aims.filter_map(|record| record.get("amount")["currency"].as_str()));
        currencies.sort_unstable();
        currencies.dedup();
        currencies.into_iter().map(|currency| self.row(subject, currency, sums, quotas, opinions)).collect()
    }

    fn row(
        &self,
        subject: &Subject,
        currency: &str,
        sums: &[Sum],
        quotas: &[Record],
        opinions: &[Record],
    ) -> Result<ForecastRow, StoreError> {
        let mut computed = ForecastFigures::default();
        for sum in sums.iter().filter(|sum| sum.currency == currency && subject.counts(sum)) {
            add(&mut computed.pipeline, sum.figures.pipeline)?;
            add(&mut computed.best_case, sum.figures.best_case)?;
            add(&mut computed.commit, sum.figures.commit)?;
            add(&mut computed.closed, sum.figures.closed)?;
            add(&mut computed.weighted, sum.figures.weighted)?;
        }
        let own = |records: &'_ [Record]| -> Vec<Record> {
            let own =
                records.iter().filter(|record| subject.is_subject_of(record) && record.get("amount")["currency"] == currency);
            own.cloned().collect()
        };
        let opinions = own(opinions);
        let opinion = |category: &str| opinions.iter().find(|record| record.get("category") == category).map(opinion);
        let quota = own(quotas).first().and_then(|quota| quota.get("amount")["amount"].as_i64());
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
                pipeline: opinion("pipeline"),
                best_case: opinion("best_case"),
                commit: opinion("commit"),
                closed: opinion("closed"),
            },
            quota,
            attainment,
            lists: self.lists(subject, currency),
        })
    }

    fn lists(&self, subject: &Subject, currency: &str) -> ForecastLists {
        let (from, to) = self.times();
        let (start, end) = (self.period.start, self.period.end());
        let mut more = format!("&amount.currency={currency}");
        more += &match subject {
            Subject::All => String::new(),
            Subject::Team { subtree, .. } => {
                let ids: Vec<String> = subtree.iter().map(ToString::to_string).collect();
                format!("&team_id_in={}", ids.join(","))
            }
            Subject::User { id, within: None, .. } => format!("&owner_id={id}"),
            Subject::User { id, within: Some(Some(team)), .. } => format!("&owner_id={id}&team_id={team}"),
            Subject::User { id, within: Some(None), .. } => format!("&owner_id={id}&team_id_null=true"),
        };
        more += &self.pipeline.map_or_else(String::new, |id| format!("&pipeline_id={id}"));
        more += &self.as_of.map_or_else(String::new, |time| format!("&as_of={time}"));
        let open = |category: &str| {
            format!(
                "/v1/opportunities?status=open&forecast_category={category}&expected_close_on_gte={start}&expected_close_on_lt={end}{more}"
            )
        };
        ForecastLists {
            pipeline: open("pipeline"),
            best_case: open("best_case"),
            commit: open("commit"),
            closed: format!("/v1/opportunities?status=won&closed_at_gte={from}&closed_at_lt={to}{more}"),
        }
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
    fn is_subject_of(&self, record: &Record) -> bool {
        let (user, team) = (record.id_of("user_id"), record.id_of("team_id"));
        match self {
            Subject::All => user.is_none() && team.is_none(),
            Subject::Team { id, .. } => user.is_none() && team == Some(*id),
            Subject::User { id, within, .. } => user == Some(*id) && within.is_none_or(|within| team == within),
        }
    }
}

fn opinion(record: &Record) -> ForecastOpinion {
    ForecastOpinion {
        id: record.id(),
        amount: record.get("amount")["amount"].as_i64().unwrap_or(0),
        comment: record.text("comment").map(str::to_owned),
        by: record.id_of("created_by"),
        at: record.text("created_at").unwrap_or_default().to_owned(),
    }
}
