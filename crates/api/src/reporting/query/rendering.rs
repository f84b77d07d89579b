//! What an answer is written as: JSON, a CSV file, a workbook, or a chart.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web,
};
use farley_domain::{
    model::fault::Language,
    reporting::{chart, question::AnswerFormat},
};

use super::{answer::Report, charting::Charting, spreadsheet, workbook};
use crate::{
    http::{
        csv_file,
        problem::{BY_LANGUAGE, Problem},
    },
    integration::file::disposition,
};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const SVG: &str = "image/svg+xml";
/// A chart that is opened by itself fetches nothing and runs nothing.
const STILL: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// How an answer is written.
pub struct Rendering {
    pub format: AnswerFormat,
    pub charting: Charting,
    pub language: Language,
    /// The name of the file, without its ending.
    pub name: String,
    /// Whether a CSV file begins with a byte order mark.
    pub bom: bool,
}

/// The format that a request asks for: by its parameter, else by `Accept`.
pub fn format_of(request: &HttpRequest, asked: Option<AnswerFormat>) -> AnswerFormat {
    if let Some(asked) = asked {
        return asked;
    }
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    preferred(accepts).unwrap_or(AnswerFormat::Json)
}

/// The format that an `Accept` header gives the most weight, the first of several.
fn preferred(accepts: &str) -> Option<AnswerFormat> {
    let mut best: Option<(f32, AnswerFormat)> = None;
    for part in accepts.split(',') {
        let mut parameters = part.split(';').map(str::trim);
        let format = match parameters.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "application/json" => AnswerFormat::Json,
            "text/csv" => AnswerFormat::Csv,
            XLSX => AnswerFormat::Xlsx,
            SVG => AnswerFormat::Svg,
            _ => continue,
        };
        let weight =
            parameters.find_map(|parameter| parameter.strip_prefix("q=")).map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        if weight > 0.0 && best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, format));
        }
    }
    best.map(|(_, format)| format)
}

/// An answer as a response.
pub async fn rendered(report: Report, how: Rendering) -> Result<HttpResponse, Problem> {
    let vary = (header::VARY, format!("accept, {BY_LANGUAGE}"));
    match how.format {
        AnswerFormat::Json => Ok(HttpResponse::Ok().insert_header(vary).json(report)),
        AnswerFormat::Csv => {
            let mut response = csv_file::answer("report", spreadsheet::csv(&report, how.language)?, how.bom)?;
            let disposition = disposition::header(&format!("{}.csv", how.name), false);
            response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
            Ok(response)
        }
        AnswerFormat::Xlsx => {
            let disposition = disposition::header(&format!("{}.xlsx", how.name), false);
            let file =
                web::block(move || workbook::xlsx(&report, &how.charting, how.language)).await.map_err(Problem::internal)??;
            Ok(file_of(XLSX, vary, disposition).body(file))
        }
        AnswerFormat::Svg => {
            let disposition = disposition::header(&format!("{}.svg", how.name), true);
            let picture = web::block(move || chart::draw(&how.charting.chart(&report, how.language))).await;
            let picture = picture.map_err(Problem::internal)?;
            Ok(file_of(SVG, vary, disposition).insert_header((header::CONTENT_SECURITY_POLICY, STILL)).body(picture))
        }
    }
}

fn file_of(kind: &'static str, vary: (header::HeaderName, String), disposition: HeaderValue) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .content_type(kind)
        .insert_header(vary)
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_known_format_is_preferred() {
        for (accepts, expected) in [
            ("", None),
            ("*/*", None),
            ("text/html, image/svg+xml;q=0.2, text/csv;q=0.9", Some(AnswerFormat::Csv)),
            ("application/json, text/csv", Some(AnswerFormat::Json)),
            ("image/svg+xml;q=0, */*", None),
            ("IMAGE/SVG+XML", Some(AnswerFormat::Svg)),
            (XLSX, Some(AnswerFormat::Xlsx)),
        ] {
            assert_eq!(preferred(accepts), expected, "{accepts}");
        }
    }
}
