//! Media types of files (RFC 9110, 8.3): as they are declared, as contents look, and what may be shown within a page.

/// What a content is that says nothing of itself.
pub const UNKNOWN: &str = "application/octet-stream";

/// A media type without its parameters, in lower case; none if it is no media type.
#[must_use]
pub fn essence(typed: &str) -> Option<String> {
    let essence = typed.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_token =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte));
    let (kind, subtype) = essence.split_once('/')?;
    (is_token(kind) && is_token(subtype) && essence.len() <= 255).then_some(essence)
}

/// Whether a list such as `image/*, application/pdf` has a type; an empty list has all.
#[must_use]
pub fn is_listed(list: &str, essence: &str) -> bool {
    let mut patterns = list.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()).peekable();
    patterns.peek().is_none()
        || patterns.any(|pattern| match pattern.strip_suffix('*') {
            Some(kind) => essence.starts_with(&kind.to_ascii_lowercase()),
            None => pattern.eq_ignore_ascii_case(essence),
        })
}

/// Names of one type.
const SAME: &[&[&str]] = &[
    &["image/jpeg", "image/jpg", "image/pjpeg"],
    &["image/vnd.microsoft.icon", "image/x-icon"],
    &["image/bmp", "image/x-ms-bmp"],
    &["image/tiff", "image/tif"],
    &["application/zip", "application/x-zip-compressed", "multipart/x-zip"],
    &["application/gzip", "application/x-gzip"],
    &["application/x-7z-compressed", "application/7z"],
    &["application/vnd.rar", "application/x-rar-compressed", "application/x-rar"],
    &["application/rtf", "text/rtf"],
    &["audio/mpeg", "audio/mp3"],
    &["audio/x-wav", "audio/wav", "audio/wave", "audio/vnd.wave"],
    &["audio/m4a", "audio/mp4", "audio/x-m4a", "video/mp4"],
    &["video/x-msvideo", "video/avi", "video/msvideo"],
    &["text/xml", "application/xml"],
];

/// Whether a content of a detected type may be what was declared: one that says nothing may be anything, documents of offices are
/// archives, and SVG is XML.
#[must_use]
pub fn fits(declared: &str, detected: &str) -> bool {
    let same = |group: &&[&str]| group.contains(&declared) && group.contains(&detected);
    let is_archive = || {
        declared.ends_with("+zip")
            || ["application/vnd.openxmlformats-", "application/vnd.oasis.opendocument.", "application/java-archive"]
                .iter()
                .any(|kind| declared.starts_with(kind))
    };
    declared == detected
        || declared == UNKNOWN
        || SAME.iter().any(same)
        || match detected {
            "application/zip" => is_archive(),
            "text/xml" => declared.ends_with("+xml"),
            _ => false,
        }
}

/// Whether a content of this type can do nothing within a page: pictures, sounds, films, plain text, PDF. Never HTML, XML or SVG.
#[must_use]
pub fn is_harmless(essence: &str) -> bool {
    const HARMLESS: &[&str] = &[
        "application/pdf",
        "audio/aac",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "audio/x-wav",
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "text/plain",
        "video/mp4",
        "video/webm",
    ];
    HARMLESS.contains(&essence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_declared() {
        assert_eq!(essence(" Text/Plain; charset=GBK").as_deref(), Some("text/plain"));
        assert_eq!(essence("application/vnd.ms-excel").as_deref(), Some("application/vnd.ms-excel"));
        for wrong in ["", "text", "text/", "/plain", "text/pla in", "text/plain/x", "te\r\nxt/plain"] {
            assert_eq!(essence(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn lists_name_types_and_kinds() {
        assert!(is_listed("", "text/html") && is_listed(" , ", "text/html"));
        assert!(is_listed("image/*, Application/PDF", "application/pdf") && is_listed("image/*", "image/png"));
        assert!(!is_listed("image/*,application/pdf", "text/html") && !is_listed("image/*", "imagex/png"));
        assert!(is_listed("*/*", "a/b") == "a/b".starts_with("*/") && is_listed("*", "a/b"));
    }

    #[test]
    fn what_looks_otherwise_is_told() {
        assert!(fits("image/jpg", "image/jpeg") && fits("application/octet-stream", "text/html"));
        assert!(fits("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/zip"));
        assert!(fits("image/svg+xml", "text/xml") && fits("application/xml", "text/xml"));
        assert!(!fits("image/png", "application/x-msdownload") && !fits("application/pdf", "application/zip"));
        assert!(!fits("text/plain", "text/html"));
    }

    #[test]
    fn nothing_that_may_act_is_harmless() {
        for kind in ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/javascript", UNKNOWN] {
            assert!(!is_harmless(kind), "{kind}");
        }
    }
}
