//! An operation done in the unit of work of its request, by what the endpoint of its own does.

use farley_domain::{
    identity::access::Action,
    model::fault::{Fault, FaultCode},
};
use farley_persistence::Work;
use serde_json::Value;

use super::{
    operation::{self, Operation},
    references::Names,
    route::{Doing, Target},
};
use crate::{
    access::call::Call,
    http::{problem::Problem, request::parameters_of},
    records::{
        behaviour::Shown,
        bulk::key::Key,
        create,
        mutation::Answer,
        named::Named,
        read,
        upsert::{self, Upserted},
        write::{self, Writer},
    },
};

/// How much an operation takes from the results of others, in bytes.
const MOST_TAKEN: usize = 1_048_576;

/// An operation with all it takes from others.
struct Filled {
    id: Option<String>,
    parent: Option<String>,
    parameters: Vec<(String, String)>,
    body: Value,
    if_match: Option<String>,
}

impl Filled {
    fn of(operation: &Operation, names: &Names, results: &[Option<Value>]) -> Result<Filled, Problem> {
        let lost = |pointer: &str, reference: String| {
            Problem::from(Fault::new(pointer, FaultCode::NoSuchResult).with("reference", reference))
        };
        // What is filled into a path must not become more of it.
        let escaped = |text: String| percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let in_path = |text: &String| names.fill_text(text, results, &escaped).map_err(|reference| lost("/path", reference));
        let target = &operation.target;
        let plain = |text: &String| names.fill_text(text, results, &|text| text);
        let if_match = operation.if_match.as_ref().map(plain).transpose();
        let mut left = MOST_TAKEN;
        if !names.fits(&operation.body, results, &mut left) {
            return Err(Fault::new("/body", FaultCode::TooLong).with("max", MOST_TAKEN).into());
        }
        let body = names.fill(&operation.body, results, "/body");
        Ok(Filled {
            id: target.id.as_ref().map(in_path).transpose()?,
            parent: target.parent.as_ref().map(in_path).transpose()?,
            parameters: parameters_of(&in_path(&operation.query)?)?,
            body: body.map_err(|(pointer, reference)| lost(&pointer, reference))?,
            if_match: if_match.map_err(|reference| lost("/if_match", reference))?,
        })
    }
}

/// Does an operation; what the request of its own would be answered with.
pub fn perform(
    work: &mut Work<'_>,
    call: &Call,
    operation: &Operation,
    (names, results): (&Names, &[Option<Value>]),
) -> Result<Answer, Problem> {
    let Filled { id, parent, mut parameters, body, if_match } = Filled::of(operation, names, results)?;
    let Target { object, doing, .. } = operation.target;
    let parent = parent.as_deref().map(Named::parse).transpose()?;
    let named = || Named::parse(id.as_deref().unwrap_or_default());
    let writer = Writer { parent: parent.clone(), ..Writer::of(call, object) };
    let expected = if_match.as_deref().map(operation::versions);
    if doing != Doing::Get && doing != Doing::Update {
        crate::http::request::refuse_rest(&parameters, &[])?;
    }
    match doing {
        Doing::Get => read::answer(work.reader(), call, object, (&named()?, parent.as_ref()), &parameters),
        Doing::Create => {
            writer.permit(Action::Create)?;
            create::create_in(work, &writer, &body, None)
        }
        Doing::Update => {
            let by_fields = write::by_fields(&mut parameters, expected.as_ref())?;
            crate::http::request::refuse_rest(&parameters, &["on_conflict"])?;
            write::update_in(work, &writer, &named()?, (expected.as_ref(), by_fields), &body)
        }
        Doing::Archive => write::archive_in(work, &writer, &named()?, expected.as_ref(), true),
        Doing::Restore => write::archive_in(work, &writer, &named()?, expected.as_ref(), false),
        Doing::Upsert => {
            let Named::External { system, key } = named()? else { return Err(Problem::not_found()) };
            let key = Key::External { system, key };
            let Upserted { before, record, .. } = writer.upsert(work, &key, &body, (expected.as_ref(), None))?;
            writer.answer(work, upsert::status(before.as_ref()), &record, Shown::new())
        }
    }
}
