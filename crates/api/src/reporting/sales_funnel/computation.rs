//! The figures of a funnel, made of how opportunities fared.

use std::collections::BTreeMap;

use farley_domain::{
    model::{
        entity::Entity,
        field::{Field, Op},
        handle::Handle,
        record::Record,
    },
    query::predicate::Predicate,
    sales::{
        opportunity::{Opportunity, OpportunityStatus},
        stage::{Stage, StageKind},
    },
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Cell, Group, MAX_STAGES, Measure, Moves, Reader, StoreError, Travelled, Travels};
use serde_json::{Value, json};

use super::{FunnelAmount, FunnelFigure, FunnelMove, FunnelSlice, FunnelStage};
use crate::{
    access::unrestricted::{Unrestricted, without_custom_fields},
    http::problem::Problem,
};

/// The stages of a pipeline in their order, retired ones too: open ones first, then won, then lost.
pub fn stages_of(reader: &mut Reader<'_>, pipeline: Id) -> Result<Vec<Record<Stage>>, Problem> {
    let found =
        reader.find(&without_custom_fields(Stage::object()), &Unrestricted, &Stage::pipeline_id.eq(pipeline), MAX_STAGES)?;
    let mut stages: Vec<Record<Stage>> = found.into_iter().map(Record::into_entity).collect();
    let kind = |stage: &Record<Stage>| match stage.get(Stage::kind) {
        None => 0,
        Some(StageKind::Open) => 1,
        Some(StageKind::Won) => 2,
        Some(StageKind::Lost) => 3,
    };
    stages.sort_by_key(|stage| (kind(stage), stage.get(Stage::sort_order), stage.id()));
    Ok(stages)
}

/// How the opportunities of a cohort fared.
pub fn cohort(
    reader: &mut Reader<'_>,
    cohort: &Predicate,
    slice: Option<&Group>,
    stages: &[Record<Stage>],
) -> Result<Travels, Problem> {
    let ids: Vec<Id> = stages.iter().map(Record::id).collect();
    Ok(reader.travels(Opportunity::object(), cohort, slice, &ids)?)
}

/// Where opportunities are, or were.
pub fn snapshot(
    reader: &mut Reader<'_>,
    predicate: &Predicate,
    slice: Option<&Group>,
    as_of: Option<Timestamp>,
) -> Result<Travels, Problem> {
    let object = Opportunity::object();
    let amount = Opportunity::amount.field();
    let currency = amount.currency().ok_or_else(Problem::not_found)?;
    let mut groups = vec![Group::by(&currency), Group::by(Opportunity::status.field()), Group::by(Opportunity::stage_id.field())];
    groups.extend(slice.cloned());
    let lasted = Measure::Between(Opportunity::opened_at.field().clone(), Opportunity::closed_at.field().clone());
    let measures = [Measure::Count, Measure::Sum(amount.clone()), lasted];
    let rows = reader.aggregate(object, predicate, &groups, &measures, (as_of, usize::MAX))?;
    let travelled = rows.into_iter().map(|row| {
        let count = groups.len();
        let status = row[1].as_text().map(|name| {
            let unknown = || Problem::internal("an opportunity has a status that is none");
            OpportunityStatus::from_wire(name).ok_or_else(unknown)
        });
        let status = status.transpose()?;
        let won = status == Some(OpportunityStatus::Won);
        Ok::<_, Problem>(Travelled {
            slice: if slice.is_some() { row[3].clone() } else { Cell::Null },
            currency: row[0].as_text().map(str::to_owned),
            status,
            stage_id: row[2].as_id().unwrap_or(Id::NIL),
            entered: 0,
            count: row[count].as_integer().unwrap_or(0),
            amount: i128::from(row[count + 1].as_integer().unwrap_or(0)),
            won_milliseconds: row[count + 2].as_integer().filter(|_| won).unwrap_or(0),
        })
    });
    Ok(Travels { travelled: travelled.collect::<Result<_, _>>()?, ..Travels::default() })
}

/// The values of the slice, those with most opportunities first; without a slice one, also of nothing.
pub fn slices(found: &Travels, whole: bool) -> Vec<Cell> {
    if whole {
        return vec![Cell::Null];
    }
    let mut slices: Vec<(i64, Cell)> = Vec::new();
    for travelled in &found.travelled {
        match slices.iter_mut().find(|(_, slice)| *slice == travelled.slice) {
            Some((count, _)) => *count += travelled.count,
            None => slices.push((travelled.count, travelled.slice.clone())),
        }
    }
    slices.sort_by(|(left, left_value), (right, right_value)| {
        right.cmp(left).then_with(|| format!("{left_value:?}").cmp(&format!("{right_value:?}")))
    });
    slices.into_iter().map(|(_, slice)| slice).collect()
}

/// What is sliced by.
pub struct Slice<'a> {
    pub name: &'a str,
    pub field: &'a Field,
}

/// What figures are made with.
pub struct Making<'a> {
    pub stages: &'a [Record<Stage>],
    /// The filters that all figures share.
    pub base: &'a [Value],
    pub slice: Option<Slice<'a>>,
    pub snapshot: bool,
}

impl Making<'_> {
    pub fn slice(&self, found: &Travels, value: &Cell) -> Result<FunnelSlice, StoreError> {
        let own: Vec<&Travelled> = found.travelled.iter().filter(|travelled| travelled.slice == *value).collect();
        let json = value.to_value().unwrap_or(Value::Null);
        let mut base = self.base.to_vec();
        if let Some(slice) = &self.slice {
            base.push(match value {
                // Also where there is no related record to have a value. A currency is missing where the amount is, and only that can be asked.
                Cell::Null => {
                    let field = slice.field.money().and_then(|_| slice.name.strip_suffix(".currency")).unwrap_or(slice.name);
                    json!({"not": {"field": field, "op": "null", "value": false}})
                }
                _ => json!({"field": slice.name, "op": "eq", "value": json}),
            });
        }
        let status = |wanted: OpportunityStatus| {
            figure(&base, &own, |one| one.status == Some(wanted), vec![condition(Opportunity::status, Op::Eq, wanted)])
        };
        let all = figure(&base, &own, |_| true, Vec::new())?;
        let (won, lost) = (status(OpportunityStatus::Won)?, status(OpportunityStatus::Lost)?);
        let win_rate = ratio(won.count, won.count + lost.count);
        let milliseconds: i64 = own.iter().map(|one| one.won_milliseconds).sum();
        let cycle = ratio(milliseconds, won.count * 1000);
        let stages = (0..self.stages.len()).filter_map(|place| self.stage(found, value, &own, &base, place).transpose());
        Ok(FunnelSlice {
            velocity: velocity(&all, &won, win_rate, cycle.filter(|_| !self.snapshot))?,
            stages: stages.collect::<Result<_, _>>()?,
            value: json,
            all,
            won,
            lost,
            win_rate,
            mean_cycle_seconds: cycle,
        })
    }

    fn stage(
        &self,
        found: &Travels,
        slice: &Cell,
        own: &[&Travelled],
        base: &[Value],
        place: usize,
    ) -> Result<Option<FunnelStage>, StoreError> {
        let stage = &self.stages[place];
        let (id, kind) = (stage.id(), stage.get(Stage::kind));
        let is_open = kind == Some(StageKind::Open);
        let current = figure(base, own, |one| one.stage_id == id, vec![condition(Opportunity::stage_id, Op::Eq, id)])?;
        let entered = |one: &Travelled| one.entered & (1 << place) != 0;
        let was = any_stage(&[id]);
        let figures = (!self.snapshot).then(|| -> Result<_, StoreError> {
            let leads_to = |other: &Record<Stage>| match other.get(Stage::kind) {
                Some(StageKind::Open) => is_open,
                Some(StageKind::Won) => true,
                Some(StageKind::Lost) | None => false,
            };
            let later = self.stages.iter().enumerate().skip(place + 1).filter(|(_, other)| leads_to(other));
            let later: Vec<(usize, Id)> = later.map(|(place, other)| (place, other.id())).collect();
            let mask: i64 = later.iter().map(|(place, _)| 1_i64 << place).sum();
            let ids: Vec<Id> = later.iter().map(|(_, id)| *id).collect();
            Ok((
                figure(base, own, entered, vec![was.clone()])?,
                figure(base, own, |one| entered(one) && one.entered & mask != 0, vec![was.clone(), any_stage(&ids)])?,
                figure(
                    base,
                    own,
                    |one| entered(one) && one.status == Some(OpportunityStatus::Won),
                    vec![was.clone(), condition(Opportunity::status, Op::Eq, OpportunityStatus::Won)],
                )?,
            ))
        });
        let figures = figures.transpose()?;
        let moves: Vec<&Moves> = found.moves.iter().filter(|moves| moves.slice == *slice && moves.from == id).collect();
        let (times, seconds) =
            moves.iter().fold((0, 0), |(count, seconds), moves| (count + moves.count, seconds + moves.seconds));
        let median = found.medians.iter().find(|median| median.slice == *slice && median.stage_id == id);
        let counted = current.count > 0 || figures.as_ref().is_some_and(|(entered, _, _)| entered.count > 0);
        if stage.is_archived() && !counted {
            return Ok(None);
        }
        let (entered, reached_next, won) = match figures {
            Some((entered, reached, won)) => (Some(entered), Some(reached), Some(won)),
            None => (None, None, None),
        };
        let share = |part: &Option<FunnelFigure>| ratio(part.as_ref()?.count, entered.as_ref()?.count);
        Ok(Some(FunnelStage {
            id,
            name: stage.get(Stage::name).to_owned(),
            conversion_to_next: share(&reached_next).filter(|_| is_open),
            conversion_to_won: share(&won),
            kind: kind.map_or_else(String::new, |kind| kind.as_str().to_owned()),
            current,
            left_to: self.left_to(&moves),
            mean_seconds: ratio(seconds, times),
            median_seconds: median.map(|median| median.seconds),
            entered,
            reached_next,
            won,
        }))
    }

    fn left_to(&self, moves: &[&Moves]) -> Vec<FunnelMove> {
        let mut left: Vec<FunnelMove> = moves.iter().map(|moves| FunnelMove { stage_id: moves.to, count: moves.count }).collect();
        left.sort_by_key(|moves| self.stages.iter().position(|stage| stage.id() == moves.stage_id));
        left
    }
}

/// A comparison as a client writes it.
pub fn condition<T>(handle: Handle<Opportunity, T>, op: Op, value: impl serde::Serialize) -> Value {
    json!({"field": handle.name(), "op": op.as_str(), "value": value})
}

fn any_stage(ids: &[Id]) -> Value {
    condition(Opportunity::entered_stage_ids, Op::Any, ids)
}

fn figure(
    base: &[Value],
    own: &[&Travelled],
    wanted: impl Fn(&Travelled) -> bool,
    more: Vec<Value>,
) -> Result<FunnelFigure, StoreError> {
    let mut amounts: BTreeMap<&str, i128> = BTreeMap::new();
    let mut count = 0;
    for one in own.iter().filter(|one| wanted(one)) {
        count += one.count;
        let Some(currency) = &one.currency else { continue };
        *amounts.entry(currency).or_default() += one.amount;
    }
    let told = amounts.into_iter().map(|(currency, sum)| {
        let amount = i64::try_from(sum).map_err(|_| StoreError::SumTooLarge)?;
        Ok(FunnelAmount { amount, currency: currency.to_owned() })
    });
    let amounts = told.collect::<Result<_, StoreError>>()?;
    let filters: Vec<Value> = base.iter().cloned().chain(more).collect();
    Ok(FunnelFigure { count, amounts, filter: json!({"and": filters}) })
}

/// A share; none of nothing.
pub fn ratio(part: i64, whole: i64) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    (whole != 0).then(|| part as f64 / whole as f64)
}

/// What opportunities bring in a day, in each currency, rounded to a minor unit.
pub fn velocity(
    all: &FunnelFigure,
    won: &FunnelFigure,
    win_rate: Option<f64>,
    cycle: Option<f64>,
) -> Result<Vec<FunnelAmount>, StoreError> {
    let (Some(win_rate), Some(cycle)) = (win_rate, cycle.filter(|cycle| *cycle > 0.0)) else { return Ok(Vec::new()) };
    let of = |amount: &FunnelAmount| {
        let mean = ratio(amount.amount, won.count)?;
        #[allow(clippy::cast_precision_loss, reason = "a rate, rounded to a minor unit")]
        let daily = (all.count as f64 * win_rate * mean / (cycle / 86_400.0)).round();
        if daily.abs() >= 9.2e18 {
            return Some(Err(StoreError::SumTooLarge));
        }
        #[allow(clippy::cast_possible_truncation, reason = "it was looked at before")]
        let daily = daily as i64;
        Some(Ok(FunnelAmount { amount: daily, currency: amount.currency.clone() }))
    };
    won.amounts.iter().filter_map(of).collect()
}
