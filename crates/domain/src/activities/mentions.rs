//! Colleagues mentioned in a text: `@[王芳](user:01890a5d-ac96-774b-bcce-b302099a8057)`. A Markdown link with an `@` before it and a
//! user's id for its address, so that a renamed user is still meant and a reader without Farley sees the name.

use serde_json::Value;

use crate::{
    model::{
        field::Structure,
        handle::{Any, Handle},
    },
    values::id::Id,
};

/// The users that a record of any object mentions.
pub const MENTION_IDS: Handle<Any, Vec<Id>> = Handle::recurring("mention_ids");

/// The text that they are mentioned in.
pub const TEXT: Handle<Any, Option<String>> = Handle::recurring("body");

/// Who is mentioned: ids of users.
pub static MENTIONS: Structure = Structure {
    name: "mentions",
    accept: |value, _| Ok(value.clone()),
    schema: || serde_json::json!({"type": "array", "items": {"type": "string", "format": "uuid"}}),
    lookups: |value| value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
    lookup_form: |asked, _| Ok(asked.to_ascii_lowercase()),
    search: |_| Vec::new(),
    link: None,
};

/// The users that a text mentions, each once, in the order of their first mention.
#[must_use]
pub fn of(text: &str) -> Vec<Id> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices("@[") {
        let rest = &text[start + 2..];
        // A name is of one line and holds no bracket.
        let Some(end) = rest.find(['[', ']', '\n']).filter(|end| rest[*end..].starts_with("](user:")) else { continue };
        let address = &rest[end + "](user:".len()..];
        let id = address.find(')').and_then(|end| address[..end].parse::<Id>().ok());
        if let Some(id) = id.filter(|id| !found.contains(id)) {
            found.push(id);
        }
    }
    found
}

/// The text as people read it: mentions as `@name`.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("@[") {
        let (before, mention) = rest.split_at(start);
        plain.push_str(before);
        let inner = &mention[2..];
        let whole = inner.find(['[', ']', '\n']).filter(|end| inner[*end..].starts_with("](user:"));
        match whole.and_then(|end| Some((end, end + inner[end..].find(')')?))) {
            Some((name_end, end)) => {
                plain.push('@');
                plain.push_str(&inner[..name_end]);
                rest = &inner[end + 1..];
            }
            None => {
                plain.push_str("@[");
                rest = inner;
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WANG: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
    const LI: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

    #[test]
    fn are_found_in_their_order() {
        let text = format!("请 @[王 芳](user:{WANG}) 和 @[Li](user:{LI}) 跟进，@[王芳](user:{WANG})。");
        let ids: Vec<String> = of(&text).iter().map(ToString::to_string).collect();
        assert_eq!(ids, [WANG, LI]);
        assert_eq!(plain(&text), "请 @王 芳 和 @Li 跟进，@王芳。");
        for none in [
            "@王芳",
            "@[王芳]",
            "@[x](user:7)",
            &format!("[x](user:{WANG})"),
            &format!("@[a\nb](user:{WANG})"),
            "@[",
            "@[a](user:",
        ] {
            assert!(of(none).is_empty(), "{none}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "[@\\[\\]()user:a中\n]{0,40}", name in "[^\\[\\]\n]{0,20}") {
            let _ = (of(&text), plain(&text));
            let mention = format!("{text} @[{name}](user:{WANG})");
            prop_assert!(of(&mention).iter().any(|id| id.to_string() == WANG));
        }
    }
}
