//! Pipelines: one of them is the default; none goes while sales are under way in it.

use farley_domain::{
    identity::access::Action,
    model::{
        entity::Entity,
        fault::{Fault, FaultCode},
        handle::Handle,
        input::{self, Members, members},
        record::Record,
        value::Standards,
    },
    query::predicate::Predicate,
    sales::{
        opportunity::{ForecastCategory, Opportunity, OpportunityStatus},
        pipeline::{Pipeline, READY_MADE},
        stage::Stage,
    },
    values::id::Id,
};
use farley_persistence::{Change, Work};

use crate::{
    access::unrestricted::without_custom_fields,
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Shown, Writing},
        lookup,
        named::Named,
    },
};

impl Behaviour for Pipeline {
    /// The first live pipeline is the default one.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        if record.is_archived() && !writing.before.is_some_and(Record::is_archived) {
            refuse_if_used(work, writing, Opportunity::pipeline_id, record.id())?;
            record.set(Pipeline::is_default, false);
            return Ok(());
        }
        if writing.before.is_none() || record.get(Pipeline::is_default) {
            work.lock("default pipeline")?;
        }
        if writing.before.is_none() && defaults(work)?.is_empty() {
            record.set(Pipeline::is_default, true);
        }
        // Opportunities that name no pipeline need one to go into.
        let ends = writing.before.is_some_and(|before| before.get(Pipeline::is_default) && !before.is_archived());
        if ends && !record.get(Pipeline::is_default) && defaults(work)?.iter().all(|other| other.id() == record.id()) {
            return Err(Problem::rule(Fault::new(Pipeline::is_default.pointer(), FaultCode::DefaultNeeded).into()));
        }
        Ok(())
    }

    /// There is one default at most.
    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        let was_default = writing.before.is_some_and(|before| before.get(Pipeline::is_default));
        if record.get(Pipeline::is_default) && !was_default {
            for other in defaults(work)?.into_iter().filter(|other| other.id() != record.id()) {
                let writer = writing.writer(Pipeline::object());
                let loaded = writer.load(work, &Named::Id(other.id()), Action::Update)?;
                let mut former = loaded.record.of::<Pipeline>().clone();
                former.set(Pipeline::is_default, false);
                writer.store(work, &loaded, former.into_any(), "updated")?;
            }
        }
        Ok(Shown::new())
    }
}

fn defaults(work: &mut Work<'_>) -> Result<Vec<Record<Pipeline>>, Problem> {
    lookup::find(work, &Predicate::Archived(false).and(Pipeline::is_default.eq(true)), 2)
}

/// The default pipeline of the tenant, if it has one.
pub fn default_pipeline(work: &mut Work<'_>) -> Result<Option<Record<Pipeline>>, Problem> {
    Ok(defaults(work)?.into_iter().next())
}

/// What live opportunities are in cannot be archived.
pub fn refuse_if_used<E>(
    work: &mut Work<'_>,
    writing: &Writing<'_, E>,
    place: Handle<Opportunity, Option<Id>>,
    id: Id,
) -> Result<(), Problem> {
    let predicate = Predicate::Archived(false).and(place.eq(id)).and(Opportunity::status.eq(OpportunityStatus::Open));
    let view = writing.principal.view(writing.now);
    let used = work.reader().find(&without_custom_fields(Opportunity::object()), &view, &predicate, 1)?;
    if used.is_empty() { Ok(()) } else { Err(Problem::state("in use by open opportunities", &["update"])) }
}

/// Makes the pipeline that a new tenant begins with.
pub fn create_first(work: &mut Work<'_>, standards: &Standards<'_>) -> Result<(), Problem> {
    let body = members().with(Pipeline::name, "Sales / 销售").with(Pipeline::is_default, true);
    let pipeline = make(work, body, |_| (), standards)?;
    for ((name, kind, probability), order) in READY_MADE.iter().zip(1..) {
        let body = members()
            .with(Stage::name, *name)
            .with(Stage::kind, *kind)
            .with(Stage::sort_order, order)
            .with(Stage::probability, *probability)
            .with(Stage::forecast_category, ForecastCategory::from(*kind));
        make(work, body, |stage| stage.set(Stage::pipeline_id, pipeline.id()), standards)?;
    }
    Ok(())
}

fn make<E: Entity>(
    work: &mut Work<'_>,
    body: Members<E>,
    complete: impl FnOnce(&mut Record<E>),
    standards: &Standards<'_>,
) -> Result<Record<E>, Problem> {
    let schema = without_custom_fields(E::object());
    let mut record = input::Reader { schema: &schema, standards, rule: &|_| None }.create(&body.into_json())?;
    complete(record.of_mut());
    work.insert(&schema, &mut record, &Change::new("created"))?;
    Ok(record.into_entity())
}
