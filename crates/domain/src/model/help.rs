//! The Chinese of help texts. The English stands where objects, fields and their members are declared; `help.zh-CN.po` translates it.

use std::{collections::HashMap, sync::LazyLock};

static CHINESE: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let mut texts = HashMap::new();
    let mut english = None;
    for line in include_str!("help.zh-CN.po").lines() {
        if let Some(text) = entry(line, "msgid") {
            english = Some(text);
        } else if let (Some(chinese), Some(english)) = (entry(line, "msgstr"), english.take()) {
            texts.insert(english, chinese);
        }
    }
    texts
});

/// The text of a line of the catalogue that begins with this keyword. Texts are of one line, and escaped as in JSON.
fn entry(line: &str, keyword: &str) -> Option<String> {
    serde_json::from_str(line.strip_prefix(keyword)?.trim()).ok()
}

/// The Chinese of an English help text; none if it has no translation, as texts that tenants wrote themselves.
#[must_use]
pub fn chinese(english: &str) -> Option<&'static str> {
    CHINESE.get(english.trim()).map(String::as_str)
}

/// All English texts that are translated.
pub fn translated() -> impl Iterator<Item = &'static str> {
    CHINESE.keys().map(String::as_str).filter(|english| !english.is_empty())
}
