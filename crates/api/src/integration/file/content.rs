//! `GET /v1/files/{id}/content`: the content of a file, all of it or a part (RFC 9110), and never as something that acts within a page.

use std::{sync::Arc, time::SystemTime};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    body::SizedStream,
    get,
    http::{
        StatusCode,
        header::{self, HttpDate},
    },
};
use farley_domain::{
    identity::access::Action,
    integration::{
        file::{File, FileScan},
        media_type::{UNKNOWN, is_harmless},
    },
    model::{entity::Entity, record::Record},
    query::predicate::Predicate,
    values::id::Id,
};
use farley_persistence::{Reader, TenantKey};
use futures_util::stream;

use super::{disposition, range};
use crate::{
    access::{call::Call, state::State, unrestricted::without_custom_fields},
    http::{
        problem::{Code, Problem},
        request::{HeadersOnly, parameters},
    },
    records::{body, named::Named},
};

farley_domain::choices! {
    /// How a browser is to take a content.
    pub enum Shown {
        Attachment "attachment" "Save" "保存",
        Inline "inline" "Show" "显示",
    }
}

crate::query! {
    /// How to get the content.
    pub struct ContentQuery {
        /// `inline` lets browsers show images, audio, video, PDF and plain text instead of saving them; all other types, and
        /// content that is not what its type says, are always attachments.
        disposition: Option<Shown> => choice(Shown::choices()).default("attachment"),
    }
}

/// A file with the id of its content.
pub struct Found {
    pub file: Record<File>,
    pub content: Id,
}

/// Get the content of a file
///
/// Supports ranges (`Range`, `If-Range`) and conditions; the `ETag` is the SHA-256 of the content. The response is never a page that
/// runs anything: `nosniff`, an attachment unless `disposition=inline`, and HTML and SVG always an attachment. Content that the virus
/// scanner found infected is refused (403, `file_infected`), content it has not checked yet too (409, `file_not_scanned`).
#[utoipa::path(tag = "files", operation_id = "getFileContent",
    params(ContentQuery, ("id" = String, Path, description = "The id of the file."),
        ("Range" = Option<String>, Header, description = "The part to get.", example = "bytes=0-1023"),
        ("If-Range" = Option<String>, Header, description = "Get the part only if this is still the ETag or the time of the content, otherwise all of it.")),
    responses((status = 200, description = "The content.", body = super::upload::FileContent, content_type = "application/octet-stream"),
              (status = 206, description = "The part asked for.", body = super::upload::FileContent, content_type = "application/octet-stream"),
              (status = 304, description = "The content is the one the client has."),
              (status = 409, description = "The content has not been scanned yet."),
              (status = 416, description = "The range lies outside of the content.")))]
#[get("/v1/files/{id}/content")]
pub async fn get_content(call: Call, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let rows = call.rows(<File as Entity>::object(), Action::Read)?;
    let query = body::read_query::<ContentQuery>(&parameters(&request)?)?;
    let Named::Id(id) = Named::parse(request.match_info().query("id"))? else { return Err(Problem::not_found()) };
    let (principal, now) = (Arc::clone(&call.principal), call.now);
    let reading = call.state.store.read::<_, Problem>(call.tenant(), move |reader| {
        let schema = without_custom_fields(<File as Entity>::object());
        let layout = Arc::new(farley_persistence::Layout::full(&schema, &|_| true));
        let live = Predicate::Archived(false).and(rows);
        let row = reader.get(&layout, &principal.view(now), id, &live)?.ok_or_else(Problem::not_found)?;
        with_content(reader, row.to_record()?.into_entity())
    });
    let found = reading.await?;
    let inline = query.get(ContentQuery::disposition) == Some(Shown::Inline);
    serve(&request, &call.state, call.tenant(), &found, inline).await
}

/// A file with its content.
pub fn with_content(reader: &mut Reader<'_>, file: Record<File>) -> Result<Found, Problem> {
    let content = reader.content_of_file(file.id())?.ok_or_else(|| Problem::internal("a file without a content"))?;
    Ok(Found { file, content })
}

/// Refuses content that must not be served.
fn judge(file: &Record<File>) -> Result<(), Problem> {
    match file.get(File::scan) {
        Some(FileScan::Clean | FileScan::Unscanned) => Ok(()),
        Some(FileScan::Infected) => {
            Err(Problem::new(Code::FileInfected).with("finding", file.get(File::scan_finding).unwrap_or("malware")))
        }
        Some(FileScan::Pending) | None => Err(Problem::new(Code::FileNotScanned).retry_after(2)),
    }
}

/// Serves the content of a file, as its request asks for it.
pub async fn serve(
    request: &HttpRequest,
    state: &State,
    tenant: TenantKey,
    found: &Found,
    inline: bool,
) -> Result<HttpResponse, Problem> {
    let file = &found.file;
    judge(file)?;
    let size = file.get(File::size_bytes).map_or(0, i64::unsigned_abs);
    let tag = format!("\"{}\"", file.get(File::sha256).unwrap_or_default());
    let made = file.get(File::created_at).map_or(SystemTime::UNIX_EPOCH, |time| time.to_utc().into());
    let made = HttpDate::from(made).to_string();
    let text = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let names = |list: &str, weakly: bool| {
        list.split(',').map(str::trim).any(|one| one == "*" || one == tag || (weakly && one.strip_prefix("W/") == Some(&tag)))
    };
    if text(header::IF_MATCH).is_some_and(|list| !names(list, false)) {
        return Err(Problem::new(Code::PreconditionFailed));
    }
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::ETAG, tag.as_str()))
        .insert_header((header::LAST_MODIFIED, made.as_str()))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::ACCEPT_RANGES, "bytes"));
    if text(header::IF_NONE_MATCH).is_some_and(|list| names(list, true)) {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    let headers_only = request.extensions().contains::<HeadersOnly>();
    // A range is of what the client has the rest of.
    let same = text(header::IF_RANGE).is_none_or(|condition| condition == tag || condition == made);
    let asked =
        text(header::RANGE).filter(|_| same && !headers_only).map_or(range::Asked::Whole, |asked| range::read(asked, size));
    let part = match asked {
        range::Asked::Whole => 0..size,
        range::Asked::Part(part) => {
            let told = format!("bytes {}-{}/{size}", part.start, part.end - 1);
            response.status(StatusCode::PARTIAL_CONTENT).insert_header((header::CONTENT_RANGE, told));
            part
        }
        range::Asked::Outside => {
            let problem = Problem::new(Code::RangeNotSatisfiable).with("size", size);
            let mut refused = HttpResponse::from_error(problem);
            if let Ok(told) = header::HeaderValue::from_str(&format!("bytes */{size}")) {
                refused.headers_mut().insert(header::CONTENT_RANGE, told);
            }
            return Ok(refused);
        }
    };
    let declared = file.get(File::media_type).unwrap_or(UNKNOWN);
    let is_what_it_says =
        !file.get(File::type_mismatch) && (declared.starts_with("text/") || file.get(File::detected_type).is_some());
    let harmless = is_harmless(declared) && is_what_it_says;
    response
        .content_type(if declared == "text/plain" { "text/plain; charset=utf-8" } else { declared })
        .insert_header((header::CONTENT_DISPOSITION, disposition::header(file.get(File::name), inline && harmless)));
    if declared != "application/pdf" {
        // Whatever a browser makes of it, it has no rights; the viewers of PDF do not work so.
        response.insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"));
    }
    let length = part.end - part.start;
    if headers_only {
        return Ok(response.body(SizedStream::new(length, stream::empty::<Result<_, Problem>>())));
    }
    let reading = state.contents()?.read(tenant.id, found.content, part).await?;
    Ok(response.body(SizedStream::new(length, reading)))
}
