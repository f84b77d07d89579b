//! Pipelines: one of them is the default; none goes while sales are under way in it.

use farley_domain::{
    entity::Entity,
    fault::{Fault, FaultCode},
    field::Op,
    input,
    object::Object,
    predicate::{Operand, Predicate},
    record::Record,
    sales::{
        opportunity::Opportunity,
        pipeline::{Pipeline, READY_MADE},
        stage::Stage,
    },
    value::Standards,
};
use farley_persistence::{Change, Work};
use serde_json::{Value, json};

use crate::{
    access::unrestricted::{Unrestricted, without_custom_fields},
    http::problem::Problem,
    records::{
        behaviour::{Behaviour, Shown, Writing},
        named::Named,
    },
};

impl Behaviour for Pipeline {
    /// The first live pipeline is the default one.
    fn before(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &mut Record<Self>) -> Result<(), Problem> {
        let (writing, record) = (&writing.any(), record.any_mut());
        if record.is_archived() && !writing.before.is_some_and(Record::is_archived) {
            refuse_if_used(work, writing, "pipeline_id", record)?;
            record.set("is_default", false);
            return Ok(());
        }
        if writing.before.is_none() || record.get("is_default") == true {
            work.lock("default pipeline")?;
        }
        if writing.before.is_none() && defaults(work)?.is_empty() {
            record.set("is_default", true);
        }
        // Opportunities that name no pipeline need one to go into.
        let ends = writing.before.is_some_and(|before| before.get("is_default") == true && !before.is_archived());
        if ends && record.get("is_default") != true && defaults(work)?.iter().all(|other| other.id() == record.id()) {
            return Err(Problem::rule(Fault::new("/is_default", FaultCode::DefaultNeeded).into()));
        }
        Ok(())
    }

    /// There is one default at most.
    fn after(work: &mut Work<'_>, writing: &Writing<'_, Self>, record: &Record<Self>) -> Result<Shown, Problem> {
        let (writing, record) = (&writing.any(), record.any());
        let became = record.get("is_default") == true && writing.before.is_none_or(|before| before.get("is_default") != true);
        if became {
            for other in defaults(work)?.into_iter().filter(|other| other.id() != record.id()) {
                let writer = writing.writer(Pipeline::object());
                let loaded = writer.load(work, &Named::Id(other.id()), farley_domain::identity::access::Action::Update)?;
                let mut former = loaded.record.clone();
                former.set("is_default", false);
                writer.store(work, &loaded, former, "updated")?;
            }
        }
        Ok(Shown::new())
    }
}

fn defaults(work: &mut Work<'_>) -> Result<Vec<Record>, Problem> {
    let Some(field) = Pipeline::object().field("is_default") else { return Ok(Vec::new()) };
    let predicate = Predicate::Archived(false).and(Predicate::test(field, Op::Eq, Operand::Boolean(true)));
    Ok(work.reader().find(&without_custom_fields(Pipeline::object()), &Unrestricted, &predicate, 2)?)
}

/// The default pipeline of the tenant, if it has one.
pub fn default_pipeline(work: &mut Work<'_>) -> Result<Option<Record>, Problem> {
    Ok(defaults(work)?.into_iter().next())
}

/// What live opportunities are in cannot be archived.
pub fn refuse_if_used(work: &mut Work<'_>, writing: &Writing<'_>, field: &str, record: &Record) -> Result<(), Problem> {
    let object = Opportunity::object();
    let (Some(field), Some(status)) = (object.field(field), object.field("status")) else { return Ok(()) };
    let predicate = Predicate::Archived(false)
        .and(Predicate::test(field, Op::Eq, Operand::Id(record.id())))
        .and(Predicate::test(status, Op::Eq, Operand::Text("open".to_owned())));
    let used = work.reader().find(&without_custom_fields(object), &writing.principal.view(writing.now), &predicate, 1)?;
    if used.is_empty() { Ok(()) } else { Err(Problem::state("in use by open opportunities", &["update"])) }
}

/// Makes the pipeline that a new tenant begins with.
pub fn create_first(work: &mut Work<'_>, standards: &Standards<'_>) -> Result<(), Problem> {
    let pipeline = make(work, Pipeline::object(), &json!({"name": "Sales / 销售", "is_default": true}), &[], standards)?;
    for (position, (name, kind, probability)) in READY_MADE.iter().enumerate() {
        let category = match *kind {
            "won" => "closed",
            "lost" => "omitted",
            _ => "pipeline",
        };
        let body = json!({"name": name, "kind": kind, "sort_order": position + 1, "probability": probability, "forecast_category": category});
        make(work, Stage::object(), &body, &[("pipeline_id", pipeline.get("id"))], standards)?;
    }
    Ok(())
}

fn make(
    work: &mut Work<'_>,
    object: &'static Object,
    body: &Value,
    more: &[(&str, &Value)],
    standards: &Standards<'_>,
) -> Result<Record, Problem> {
    let shape = without_custom_fields(object);
    let mut record = input::Reader { shape: &shape, standards, rule: &|_| None }.create(body)?;
    for (name, value) in more {
        record.set(name, (*value).clone());
    }
    work.insert(&shape, &mut record, &Change::new("created"))?;
    Ok(record)
}
