//! Links under which a file is read without a credential until they expire: for mails, and for what a browser loads by itself. A link
//! says which file and until when, and is signed with a key of the tenant's own.

use actix_web::{HttpRequest, HttpResponse, get, post};
use farley_domain::{
    identity::access::Action,
    integration::file::{File, record_of},
    model::{entity::Entity, record::Record},
    query::predicate::Predicate,
    values::{id::Id, time::Timestamp},
};
use farley_persistence::{Reader, TenantKey};
use serde::Serialize;
use serde_json::{Map, json};
use utoipa::ToSchema;

use super::content::{ContentQuery, Found, Shown, serve, with_content};
use crate::{
    access::{
        call::Call,
        principal,
        sealed::{Form, Sealed, seal},
        state::state_of,
        tokens::NO_TENANT,
        unrestricted::{Unrestricted, without_custom_fields},
    },
    http::{
        clock,
        problem::Problem,
        request::{Body, base_url, limit_by_address, parameters},
    },
    records::{action::act, body, mutation::Answer},
};

/// How long a link holds at most, in seconds: a week.
const LONGEST: i64 = 7 * 24 * 3600;

crate::body! {
    /// For how long.
    pub struct FileLinkCreate {
        /// How long the link is valid, in seconds.
        expires_in: i64 => integer(1, LONGEST).default(3600),
    }
    example json!({"expires_in": 3600})
}

/// A link to a file.
#[derive(Serialize, ToSchema)]
pub struct FileLink {
    /// The address; whoever has it can read the file.
    #[schema(format = "uri", example = "https://crm.example.com/v1/file-links/AQGJCl2slnd")]
    url: String,
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
}

/// Link to a file
///
/// Returns an address under which the content can be read without `Authorization`, by GET and HEAD, with ranges, until it expires. It
/// also ends when the file, or the record that it belongs to, is archived.
#[utoipa::path(tag = "files", operation_id = "linkFile", request_body = FileLinkCreate,
    params(("id" = String, Path, description = "The id of the file.")),
    responses((status = 200, description = "The link.", body = FileLink)))]
#[post("/v1/files/{id}/link")]
pub async fn make_link(call: Call, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let base = base_url(&request)?;
    act::<File, FileLinkCreate>((call, request, body), Action::Read, move |work, asked| {
        let (id, version) = (asked.loaded.record.id(), asked.loaded.record.version());
        let seconds = asked.body.get(FileLinkCreate::expires_in);
        let expires = asked.writer.now.plus_seconds(seconds);
        let key = work.file_link_key(&clock::random_bytes::<32>())?;
        let signed = seal(&key, Form::File, work.tenant().id, id, expires)?;
        let changes = Map::from_iter([(FileLinkCreate::expires_in.name().to_owned(), json!({"from": null, "to": seconds}))]);
        work.event(File::NAME, "linked", id, version, changes, &[]);
        Answer::json(200, &FileLink { url: format!("{base}/v1/file-links/{signed}"), expires_at: expires })
    })
    .await
}

/// Get a linked file
///
/// The content of the file that a link was made for, as `GET /v1/files/{id}/content` serves it. The link itself is the credential.
#[utoipa::path(tag = "files", operation_id = "getLinkedFile", security(()),
    params(ContentQuery, ("token" = String, Path, description = "The secret part of the URL."),
        ("Range" = Option<String>, Header, description = "The part to get.", example = "bytes=0-1023"),
        ("If-Range" = Option<String>, Header, description = "Get the part only if this is still the ETag or the time of the content, otherwise all of it.")),
    responses((status = 200, description = "The content.", body = super::upload::FileContent, content_type = "application/octet-stream"),
              (status = 206, description = "The part asked for.", body = super::upload::FileContent, content_type = "application/octet-stream"),
              (status = 304, description = "The content is the one the client has."),
              (status = 403, description = "The content is infected."),
              (status = 404, description = "The link is not valid or has expired, or the file is archived."),
              (status = 409, description = "The content has not been scanned yet."),
              (status = 416, description = "The range lies outside of the content.")))]
#[get("/v1/file-links/{token}")]
pub async fn linked(request: HttpRequest) -> Result<HttpResponse, Problem> {
    limit_by_address(&request)?;
    let query = body::read_query::<ContentQuery>(&parameters(&request)?)?;
    let state = state_of(&request)?;
    let refused = Problem::not_found;
    let asked = Sealed::read(Form::File, request.match_info().query("token")).ok_or_else(refused)?;
    let now = clock::now();
    let reading = state.store.read::<_, Problem>(NO_TENANT, move |reader| {
        let row = reader.tenant(asked.tenant)?.ok_or_else(refused)?;
        let tenant = TenantKey { id: row.id, number: row.number };
        reader.tenant = tenant;
        let key = reader.link_key()?.ok_or_else(refused)?;
        if !asked.holds(&key, now) {
            return Err(refused());
        }
        Ok((tenant, live(reader, asked.record)?.ok_or_else(refused)?))
    });
    let (tenant, found) = reading.await?;
    serve(&request, &state, tenant, &found, query.get(ContentQuery::disposition) == Some(Shown::Inline)).await
}

/// A live file of a live record, or of none.
fn live(reader: &mut Reader<'_>, id: Id) -> Result<Option<Found>, Problem> {
    let by_id = Predicate::Archived(false).and(File::id.eq(id));
    let schema = without_custom_fields(<File as Entity>::object());
    let mut find = |predicate: &Predicate| -> Result<Option<Record<File>>, Problem> {
        Ok(reader.find(&schema, &Unrestricted, predicate, 1)?.into_iter().next().map(Record::into_entity))
    };
    let Some(file) = find(&by_id)? else { return Ok(None) };
    if record_of(&file).is_some() {
        let everybody = principal::system(reader)?;
        let Some(rows) = everybody.asker.rows(<File as Entity>::object(), Action::Read) else { return Ok(None) };
        if reader.find(&schema, &Unrestricted, &by_id.and(rows), 1)?.is_empty() {
            return Ok(None);
        }
    }
    with_content(reader, file).map(Some)
}
