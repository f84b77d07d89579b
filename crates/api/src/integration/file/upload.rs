//! `POST /v1/files`: a file as a form with parts, or as the body itself. The content goes into the store as it arrives; the row that
//! makes it visible is written when all of it is there.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, http::header, post, web};
use farley_domain::{
    identity::access::Action,
    integration::{
        file::{File, FileScan},
        media_type,
    },
    model::{
        entity::Entity,
        fault::{Fault, FaultCode, Faults, unknown},
        field::Field,
        input,
        record::Record,
    },
};
use farley_persistence::Work;
use futures_util::StreamExt;
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema, schema::Type},
};

use super::{
    disposition,
    parts::Arriving,
    scan,
    storing::{Stored, Storing, give_up},
};
use crate::{
    access::call::Call,
    http::{
        html_form::Sent,
        problem::{Code, Problem},
        request::{parameters, refuse_rest},
    },
    records::{
        behaviour::Shown,
        mutation::{Answer, Mutation},
        schemas,
        write::Writer,
    },
};

/// The part of a form that is the file itself.
const CONTENT: &str = "content";
/// How much a form may have beside the file, in bytes.
const BESIDE: u64 = 64 * 1024;
/// The longest text of a form, in bytes.
const LONGEST: usize = 16 * 1024;

/// What a client says of a new file.
static MEMBERS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let said = [File::id.name(), File::name.name(), File::object.name(), File::record_id.name(), File::tag_ids.name()];
    <File as Entity>::object().fields.iter().filter(|field| said.contains(&field.name.as_ref())).cloned().collect()
});

/// The schema of a form with a file.
pub struct FileForm;

impl PartialSchema for FileForm {
    fn schema() -> RefOr<Schema> {
        let text = |field: &Field| schemas::text().description(Some(field.doc.to_string()));
        let form = schemas::of_type(Type::Object).description(Some("A file as a form."));
        let form = MEMBERS.iter().fold(form, |form, field| form.property(field.name.as_ref(), text(field)));
        form.property(CONTENT, FileContent::schema()).required(CONTENT).into()
    }
}

impl ToSchema for FileForm {}

/// The schema of a content: bytes.
pub struct FileContent;

impl PartialSchema for FileContent {
    fn schema() -> RefOr<Schema> {
        let format = utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Binary);
        schemas::text().format(Some(format)).description(Some("The content, byte by byte.")).into()
    }
}

impl ToSchema for FileContent {}

/// Upload a file
///
/// Takes the content as the body itself, under its own `Content-Type` and with its name in `Content-Disposition` or `name`, or as the
/// part `content` of a `multipart/form-data` form whose other parts are the parameters below. It is stored as it arrives, up to the
/// server's limit (100 MB by default, otherwise 413); nothing is stored if the request is aborted or its `Content-Digest` (RFC 9530,
/// `sha-256` or `sha-512`) does not match. A client on a slow line has a second for every 16 kB.
///
/// With `object` and `record_id` the file is attached to that record, which requires permission to update it; without, it can be read
/// by you alone until it is attached, by a change or in the `file_ids` of a ticket message.
///
/// A repeated `Idempotency-Key` returns the first response if parameters, type and content are the same. An upload counts as one
/// request, whatever its size.
#[utoipa::path(tag = "files", operation_id = "uploadFile",
    params(
        ("id" = Option<String>, Query, description = "The id of the file, a UUID."),
        ("name" = Option<String>, Query, description = "The name. Defaults to that of the part or of `Content-Disposition`.", example = "报价单.pdf"),
        ("object" = Option<String>, Query, description = "What the record is that the file belongs to.", example = "customer"),
        ("record_id" = Option<String>, Query, description = "The record that the file belongs to."),
        ("tag_ids" = Option<String>, Query, description = "The tags, separated by commas."),
        ("Content-Digest" = Option<String>, Header, description = "Digests of the body (RFC 9530)."),
        ("Content-Disposition" = Option<String>, Header, description = "The name, for a body that is the file itself.")),
    request_body(content((FileForm = "multipart/form-data"), (FileContent = "application/octet-stream"))),
    responses((status = 201, description = "The file.", body = ref("#/components/schemas/File")),
              (status = 408, description = "The body did not arrive in time."),
              (status = 413, description = "The file is too large.")))]
#[post("/v1/files")]
pub async fn create(call: Call, request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let writer = Writer::of(&call, <File as Entity>::object());
    writer.permit(Action::Create)?;
    let own: Vec<&str> = MEMBERS.iter().map(|field| field.name.as_ref()).collect();
    // Read before anything is stored: what is refused for its parameters is refused at once.
    judge_parameters(&request, &own)?;
    take_in(&call, &request, payload, (writer, &own), |work, writer, record, shown| writer.answer(work, 201, record, shown)).await
}

/// Refuses what the parameters of an upload have beside these members.
pub fn judge_parameters(request: &HttpRequest, own: &[&str]) -> Result<(), Problem> {
    let mut parameters = parameters(request)?;
    Mutation::of(request, &mut parameters.clone(), &Value::Null)?;
    parameters.retain(|(name, _)| !own.contains(&name.as_str()) && name != "validate_only");
    let known: Vec<&str> = own.iter().copied().chain(["validate_only"]).collect();
    refuse_rest(&parameters, &known)
}

/// Takes in a file of which these members may be told; `end` answers.
pub async fn take_in(
    call: &Call,
    request: &HttpRequest,
    payload: web::Payload,
    (writer, own): (Writer, &[&str]),
    end: impl Fn(&mut Work<'_>, &Writer, &Record, Shown) -> Result<Answer, Problem> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let mut parameters = parameters(request)?;
    let written: Vec<_> = parameters.extract_if(.., |(name, _)| own.contains(&name.as_str())).collect();
    let in_parts = Sent::of(request) == Some(Sent::InParts);
    let max = call.state.settings.max_file + if in_parts { BESIDE } else { 0 };
    let arriving = Arriving::of(request, payload, usize::try_from(max).unwrap_or(usize::MAX))?;
    let (members, stored) = if in_parts {
        form(call, request, arriving, written).await?
    } else {
        whole(call, request, &writer, arriving, written).await?
    };
    let asked = json!([members, stored.sha256, stored.media_type]);
    let (content, tenant) = (stored.content, call.tenant());
    let scanned = call.state.settings.file_scanner.is_some();
    let mut faults = Faults::default();
    for name in members.iter().filter(|(name, value)| !value.is_null() && !own.contains(&name.as_str())).map(|(name, _)| name) {
        faults.add(unknown(format!("/{name}"), FaultCode::UnknownMember, name, own.iter().copied()));
    }
    let body = Value::Object(members);
    let answer = match faults.into_result(Mutation::of(request, &mut parameters, &asked)?) {
        Err(faults) => Err(faults.into()),
        Ok(mutation) => {
            let work = move |work: &mut Work<'_>| {
                let (record, shown) = writer.create_with(work, &body, |record| describe(record.of_mut(), &stored, scanned))?;
                if !work.give_content(stored.content, record.id())? {
                    return Err(Problem::new(Code::RequestTimeout));
                }
                if scanned {
                    scan::enqueue(work, record.id())?;
                }
                end(work, &writer, &record, shown)
            };
            mutation.run(call, work).await
        }
    };
    // What was refused, only validated or answered before has its content for nothing.
    give_up(&call.state, tenant, &*call.state.contents()?, content).await;
    answer
}

/// Writes what the server itself knows of a file.
pub(super) fn describe(file: &mut farley_domain::model::record::Record<File>, stored: &Stored, scanned: bool) {
    file.set(File::media_type, stored.media_type.clone());
    file.set(File::detected_type, stored.detected.map(str::to_owned));
    let mismatch = stored.detected.is_some_and(|detected| !media_type::fits(&stored.media_type, detected));
    file.set(File::type_mismatch, mismatch);
    file.set(File::size_bytes, i64::try_from(stored.size).unwrap_or(i64::MAX));
    file.set(File::sha256, stored.sha256.clone());
    file.set(File::scan, if scanned { FileScan::Pending } else { FileScan::Unscanned });
}

/// What is said of a file, and its content.
type Taken = (Map<String, Value>, Stored);

/// A body that is the file itself.
async fn whole(
    call: &Call,
    request: &HttpRequest,
    writer: &Writer,
    arriving: Arriving,
    written: Vec<(String, String)>,
) -> Result<Taken, Problem> {
    let disposition = request.headers().get(header::CONTENT_DISPOSITION).map(|value| value.as_bytes().to_vec());
    let mut members = input::written(&MEMBERS, &written)?;
    name(&mut members, disposition.as_deref());
    // What is wrong is told before the content is sent; a repeated request may have been right the first time.
    if !request.headers().contains_key("Idempotency-Key") {
        writer.prepare(&Value::Object(members.clone()))?;
    }
    let declared = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut storing = Storing::begin(&call.state, call.tenant(), declared).await?;
    let (mut pieces, judge) = arriving.split();
    let mut judged = Ok(());
    while let Some(piece) = pieces.next().await {
        judged = match piece {
            Ok(piece) => storing.add(piece).await,
            Err(problem) => Err(problem),
        };
        if judged.is_err() {
            break;
        }
    }
    if judged.is_ok() {
        judged = judge.judge().await;
    }
    Ok((members, storing.end(judged).await?))
}

/// The name that the header of a body or part gives, unless there is one.
fn name(members: &mut Map<String, Value>, disposition: Option<&[u8]>) {
    if let Some(name) = disposition.and_then(disposition::name_of)
        && !members.contains_key(File::name.name())
    {
        members.insert(File::name.name().to_owned(), name.into());
    }
}

/// A form, one part of which is the file.
async fn form(
    call: &Call,
    request: &HttpRequest,
    arriving: Arriving,
    mut written: Vec<(String, String)>,
) -> Result<Taken, Problem> {
    let malformed = |reason: &dyn std::fmt::Display| Problem::new(Code::MalformedRequest).with("reason", reason);
    let declared = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(declared).map_err(|error| malformed(&error))?;
    // What the connection says is told as it is, not as a fault of the form.
    let (teller, told) = std::sync::mpsc::sync_channel(1);
    let (pieces, judge) = arriving.split();
    let pieces = pieces.map(move |piece| {
        piece.map_err(|problem| {
            let error = std::io::Error::other(problem.to_string());
            drop(teller.try_send(problem));
            error
        })
    });
    let failed = |error: multer::Error| told.try_recv().unwrap_or_else(|_| malformed(&error));
    let mut form = multer::Multipart::new(pieces, boundary);
    let mut file: Option<(Storing, Option<Vec<u8>>)> = None;
    let mut judged = Ok(());
    loop {
        let mut part = match form.next_field().await {
            Ok(Some(part)) => part,
            Ok(None) => break,
            Err(error) => {
                judged = Err(failed(error));
                break;
            }
        };
        let disposition = part.headers().get("content-disposition").map(|value| value.as_bytes().to_vec());
        let part_name = part.name().unwrap_or_default().to_owned();
        let taken = if part_name == CONTENT && file.is_none() {
            let declared = part.content_type().map(|kind| kind.essence_str().to_owned());
            match Storing::begin(&call.state, call.tenant(), declared.as_deref()).await {
                Ok(mut storing) => {
                    let taken = store(&mut part, &mut storing, &failed).await;
                    file = Some((storing, disposition));
                    taken
                }
                Err(problem) => Err(problem),
            }
        } else if part_name == CONTENT {
            Err(Fault::new(format!("/{CONTENT}"), FaultCode::Repeated).into())
        } else if written.iter().any(|(known, _)| *known == part_name) {
            Err(Fault::new(format!("/{part_name}"), FaultCode::Repeated).into())
        } else {
            text(&mut part, &part_name, &failed).await.map(|text| written.extend(text.map(|text| (part_name, text))))
        };
        if let Err(problem) = taken {
            judged = Err(problem);
            break;
        }
    }
    // What follows the last part is for nobody.
    drop(form);
    if judged.is_ok() {
        judged = judge.judge().await;
    }
    let mut members = Map::new();
    if judged.is_ok() {
        judged = input::written(&MEMBERS, &written).map(|read| members = read).map_err(|faults| faults.under("").into());
    }
    let Some((storing, disposition)) = file else {
        judged?;
        return Err(Fault::new(format!("/{CONTENT}"), FaultCode::Required).into());
    };
    name(&mut members, disposition.as_deref());
    Ok((members, storing.end(judged).await?))
}

async fn store(
    part: &mut multer::Field<'_>,
    storing: &mut Storing,
    failed: &impl Fn(multer::Error) -> Problem,
) -> Result<(), Problem> {
    while let Some(chunk) = part.chunk().await.map_err(failed)? {
        storing.add(chunk).await?;
    }
    Ok(())
}

/// The text of a part; none where it was left blank.
async fn text(
    part: &mut multer::Field<'_>,
    name: &str,
    failed: &impl Fn(multer::Error) -> Problem,
) -> Result<Option<String>, Problem> {
    let fault = |code| Fault::new(format!("/{name}"), code);
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LONGEST {
            return Err(fault(FaultCode::TooLong).with("max", LONGEST).into());
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| fault(FaultCode::InvalidCharacter))?;
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}
