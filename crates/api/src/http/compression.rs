//! Large answers travel compressed to clients that say they take gzip. Small ones are not worth it, streams must not wait for it, and an
//! answer with a strong validator (`ETag: "v7"`) is to be the same bytes for everybody (RFC 9110, 8.8.3).

use actix_http::{
    body::{BodySize, BoxBody, EitherBody, MessageBody},
    encoding::Encoder,
};
use actix_web::{
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{self, ContentEncoding, HeaderMap, HeaderValue},
    },
};

/// From how many bytes on an answer is large.
const LARGE: u64 = 8_192;

/// Compresses an answer if that is worth it and wanted.
pub fn apply<B: MessageBody + 'static>(
    response: ServiceResponse<EitherBody<B, BoxBody>>,
) -> ServiceResponse<EitherBody<B, BoxBody>> {
    if !is_worth_it(&response) {
        return response;
    }
    let mut response = response;
    if !takes_gzip(response.request().headers()) {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
        return response;
    }
    response.map_body(|head, body| {
        let encoded = Encoder::response(ContentEncoding::Gzip, head, body);
        EitherBody::right(BoxBody::new(encoded))
    })
}

fn is_worth_it<B: MessageBody>(response: &ServiceResponse<B>) -> bool {
    let headers = response.headers();
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let kind = text(header::CONTENT_TYPE);
    matches!(response.response().body().size(), BodySize::Sized(LARGE..))
        && response.status() == StatusCode::OK
        && (kind.starts_with("text/") || kind.contains("json") || kind.contains("javascript"))
        && !text(header::ETAG).starts_with('"')
        && !headers.contains_key(header::CONTENT_ENCODING)
}

/// Whether a client takes gzip, by its `Accept-Encoding`.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let weight = |wanted: &str| {
        accepted.split(',').find_map(|part| {
            let mut pieces = part.split(';').map(str::trim);
            let is_meant = pieces.next()?.eq_ignore_ascii_case(wanted);
            let weight = pieces.find_map(|piece| piece.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            is_meant.then_some(weight)
        })
    };
    weight("gzip").or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_where_it_is_named() {
        let takes = |accepted: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            takes_gzip(&headers)
        };
        assert!(takes("gzip") && takes("br, GZIP;q=0.5") && takes("deflate, gzip, br, zstd") && takes("*"));
        assert!(!takes("") && !takes("br") && !takes("gzip;q=0") && !takes("*, gzip;q=0.0") && !takes("identity"));
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
