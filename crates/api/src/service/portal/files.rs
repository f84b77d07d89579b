//! Files in portals: uploaded by a contact, who alone can send them along, and read by whoever sees the message that they came with.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use farley_domain::{
    integration::file::{File, FiledObject, record_of},
    model::{entity::Entity, record::Record},
    query::predicate::Predicate,
    service::{portal::public_messages, ticket_message::TicketMessage},
    values::id::Id,
};
use farley_persistence::Work;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    access::{Visit, named},
    shown::{PortalFile, is_shown, shown_file},
};
use crate::{
    access::{
        sealed,
        unrestricted::{Unrestricted, entity_of, without_custom_fields},
    },
    http::{
        clock,
        problem::Problem,
        request::{parameters, refuse_rest},
    },
    integration::file::{content, upload},
    records::{lookup, mutation::Answer, write::Writer},
};

/// What the digests of uploads begin with, so that none is one of something else.
const UPLOAD: &[u8] = b"portal upload ";

/// A file that was uploaded.
#[derive(Serialize, ToSchema)]
pub struct PortalUpload {
    /// Send it in `uploads` to let the file come with a message. It is good for the contact who uploaded the file, once.
    #[schema(example = "AZkM8q…")]
    upload: String,
    #[serde(flatten)]
    file: PortalFile,
}

/// Upload a file in a portal
///
/// Takes the content as the body itself, with its name in `Content-Disposition` or `name`, or as the part `content` of a form, as `POST
/// /v1/files` does. A file that comes with no message is removed after a day.
#[utoipa::path(tag = "portals", operation_id = "uploadPortalFile", security(("portalToken" = [])),
    params(("token" = String, Path, description = "The token of the portal."),
        ("name" = Option<String>, Query, description = "The name. Defaults to that of the part or of `Content-Disposition`.", example = "照片.jpg")),
    request_body(content((upload::FileContent = "application/octet-stream"))),
    responses((status = 201, description = "The file.", body = PortalUpload),
              (status = 408, description = "The body did not arrive in time."),
              (status = 413, description = "The file is too large.")))]
#[post("/v1/portal/{token}/files")]
pub async fn create(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    upload::judge_parameters(&request, &[File::name.name()])?;
    let visit = Visit::of(&request).await?;
    let (call, writer) = (visit.call.clone(), Writer::of(&visit.call, <File as Entity>::object()));
    upload::take_in(&call, &request, payload, (writer, &[File::name.name()][..]), move |work, _, file, _| {
        let file = file.of::<File>();
        Answer::json(201, &PortalUpload { upload: sealed_for(work, &visit, file.id())?, file: shown_file(file) })
    })
    .await
}

/// What a contact names an upload of theirs by.
fn sealed_for(work: &mut Work<'_>, visit: &Visit, file: Id) -> Result<String, Problem> {
    let key = work.file_link_key(&clock::random_bytes::<32>())?;
    let digest = sealed::digest(&key, &[UPLOAD, visit.contact.id().0.as_bytes(), file.0.as_bytes()])?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode([file.0.as_bytes().as_slice(), &digest].concat()))
}

/// The file of an upload, if it is the visitor's own and has come with no message yet.
pub fn opened(work: &mut Work<'_>, visit: &Visit, upload: &str) -> Result<Option<Id>, Problem> {
    let Some(bytes) = BASE64_URL_SAFE_NO_PAD.decode(upload).ok() else { return Ok(None) };
    let Some((file, digest)) = bytes.split_first_chunk::<16>() else { return Ok(None) };
    let key = work.file_link_key(&clock::random_bytes::<32>())?;
    if !sealed::is_digest(&key, &[UPLOAD, visit.contact.id().0.as_bytes(), file], digest) {
        return Ok(None);
    }
    let file = lookup::one::<File>(work, Id(uuid::Uuid::from_bytes(*file)))?;
    Ok(file.filter(|file| !file.is_archived() && record_of(file).is_none()).map(|file| file.id()))
}

/// Get the content of a file in a portal
///
/// Returns a file that came with a message which the contact sees, as an attachment. Supports ranges and conditions.
#[utoipa::path(tag = "portals", operation_id = "getPortalFileContent", security(("portalToken" = [])),
    params(("token" = String, Path, description = "The token of the portal."), ("id" = String, Path, description = "The id of the file.")),
    responses((status = 200, description = "The content.", body = upload::FileContent, content_type = "application/octet-stream"),
              (status = 206, description = "The part asked for.", body = upload::FileContent, content_type = "application/octet-stream"),
              (status = 304, description = "The content is the one the client has."),
              (status = 409, description = "The content has not been scanned yet."),
              (status = 416, description = "The range lies outside of the content.")))]
#[get("/v1/portal/{token}/files/{id}/content")]
pub async fn get_content(request: HttpRequest) -> Result<HttpResponse, Problem> {
    refuse_rest(&parameters(&request)?, &[])?;
    let visit = Visit::of(&request).await?;
    let id = named(&request)?;
    let call = visit.call.clone();
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let file = entity_of::<File>(reader, id)?.filter(is_shown).ok_or_else(Problem::not_found)?;
        let Some((FiledObject::TicketMessage, message)) = record_of(&file) else { return Err(Problem::not_found()) };
        let message: Record<TicketMessage> = entity_of(reader, message)?.ok_or_else(Problem::not_found)?;
        let ticket = message.get(TicketMessage::ticket_id).ok_or_else(Problem::not_found)?;
        visit.ticket(reader, ticket)?;
        let within: Predicate = public_messages(ticket).and(TicketMessage::id.eq(message.id()));
        let schema = without_custom_fields(TicketMessage::object());
        if reader.find(&schema, &Unrestricted, &within, 1)?.is_empty() {
            return Err(Problem::not_found());
        }
        content::with_content(reader, file)
    });
    let found = reading.await?;
    content::serve(&request, &call.state, call.tenant(), &found, false).await
}
