//! Texts with placeholders in braces: `Dear {contact.name}`, or `{{contact.name}}` as other programs write them. Whoever fills one in says what the names stand for.

/// The names between braces in a text.
pub fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.trim()))
}

/// A text with its placeholders filled in; what has no value leaves nothing behind.
pub fn fill(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (opening, closing) = if after.starts_with('{') { ("{{", "}}") } else { ("{", "}") };
        let Some((name, next)) = after[opening.len() - 1..].split_once(closing) else {
            filled.push_str(opening);
            rest = &after[opening.len() - 1..];
            continue;
        };
        filled.extend(value(name.trim()));
        rest = next;
    }
    filled.push_str(rest);
    filled.trim().to_owned()
}

/// The beginning of a text, so many characters at most.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in() {
        let value = |name: &str| (name == "name").then(|| "李伟".to_owned());
        assert_eq!(fill("致电 {name} {company}", value), "致电 李伟");
        assert_eq!(fill("a {name", value), "a {name");
        assert_eq!(fill("{{name}} {{ name }} {{other}}", value), "李伟 李伟");
        assert_eq!(fill("{{name} {name}", value), "{{name} 李伟");

        assert_eq!(fill("{name}{name}}", value), "李伟李伟}");
        assert_eq!(placeholders("{a} {b.c} {").collect::<Vec<_>>(), ["a", "b.c"]);
    }
}
