//! What later operations take from the results of earlier ones: `{{c.id}}`, `{{c.emails.0.value}}`, `{{ops.0.id}}`.

use std::collections::HashMap;

use serde_json::Value;

/// The name under which operations are referred to by their place.
pub const BY_PLACE: &str = "ops";
const OPEN: &str = "{{";
const CLOSE: &str = "}}";

/// A part of a text.
enum Piece<'t> {
    Plain(&'t str),
    /// What stands between the braces, and all of it with them.
    Reference {
        inner: &'t str,
        whole: &'t str,
    },
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((begin, length)) = rest.find(OPEN).and_then(|begin| Some((begin, rest[begin..].find(CLOSE)?))) {
        let end = begin + length + CLOSE.len();
        pieces.push(Piece::Plain(&rest[..begin]));
        pieces.push(Piece::Reference { inner: rest[begin + OPEN.len()..begin + length].trim(), whole: &rest[begin..end] });
        rest = &rest[end..];
    }
    pieces.push(Piece::Plain(rest));
    pieces
}

/// The names of the operations of a request, and their places.
pub struct Names(HashMap<String, usize>);

/// The operation that a reference means, and what of its result.
struct Meant<'t> {
    place: usize,
    members: Vec<&'t str>,
}

impl Names {
    #[must_use]
    pub fn new(names: HashMap<String, usize>) -> Names {
        Names(names)
    }

    #[must_use]
    pub fn place(&self, name: &str) -> Option<usize> {
        self.0.get(name).copied()
    }

    /// Other texts in double braces are texts: templates have some.
    fn meant<'t>(&self, inner: &'t str) -> Option<Meant<'t>> {
        let mut steps = inner.split('.');
        let name = steps.next()?;
        let place = match name {
            BY_PLACE => steps.next()?.parse().ok()?,
            name => self.place(name)?,
        };
        Some(Meant { place, members: steps.collect() })
    }

    /// The places of all operations that a value refers to.
    pub fn in_value(&self, value: &Value, places: &mut Vec<usize>) {
        match value {
            Value::String(text) => self.in_text(text, places),
            Value::Array(items) => items.iter().for_each(|item| self.in_value(item, places)),
            Value::Object(members) => members.values().for_each(|member| self.in_value(member, places)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// The same of a text.
    pub fn in_text(&self, text: &str, places: &mut Vec<usize>) {
        for piece in pieces(text) {
            if let Piece::Reference { inner, .. } = piece {
                places.extend(self.meant(inner).map(|meant| meant.place));
            }
        }
    }

    /// Whether what a value takes from results fits into so many bytes: a short reference can stand for a long text, many times over.
    #[must_use]
    pub fn fits(&self, value: &Value, results: &[Option<Value>], left: &mut usize) -> bool {
        match value {
            Value::String(text) => pieces(text).iter().all(|piece| {
                let Piece::Reference { inner, .. } = piece else { return true };
                let found = self.meant(inner).and_then(|meant| found(&meant, results));
                let size = match found {
                    Some(Value::String(text)) => text.len(),
                    Some(other) => other.to_string().len(),
                    None => 0,
                };
                let fits = size <= *left;
                *left = left.saturating_sub(size);
                fits
            }),
            Value::Array(items) => items.iter().all(|item| self.fits(item, results, left)),
            Value::Object(members) => members.values().all(|member| self.fits(member, results, left)),
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
        }
    }

    /// A value with what it refers to filled in. What is nothing but a reference becomes what it refers to, whatever that is. An error
    /// is the reference that leads to nothing, and where it is.
    pub fn fill(&self, value: &Value, results: &[Option<Value>], pointer: &str) -> Result<Value, (String, String)> {
        match value {
            Value::String(text) => {
                if let [Piece::Plain(""), Piece::Reference { inner, whole }, Piece::Plain("")] = pieces(text).as_slice()
                    && let Some(meant) = self.meant(inner)
                {
                    return found(&meant, results).cloned().ok_or_else(|| (pointer.to_owned(), (*whole).to_owned()));
                }
                self.fill_text(text, results, &|value| value).map(Value::String).map_err(|whole| (pointer.to_owned(), whole))
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items.map(|(place, item)| self.fill(item, results, &format!("{pointer}/{place}"))).collect()
            }
            Value::Object(members) => {
                let filled = members.iter().map(|(name, member)| {
                    let pointer = format!("{pointer}/{}", farley_domain::model::fault::pointer_token(name));
                    Ok((name.clone(), self.fill(member, results, &pointer)?))
                });
                filled.collect::<Result<serde_json::Map<_, _>, _>>().map(Value::Object)
            }
            other => Ok(other.clone()),
        }
    }

    /// A text with what it refers to filled in, each as `written` has it.
    pub fn fill_text(&self, text: &str, results: &[Option<Value>], written: &dyn Fn(String) -> String) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        for piece in pieces(text) {
            match piece {
                Piece::Plain(plain) => filled.push_str(plain),
                Piece::Reference { inner, whole } => match self.meant(inner) {
                    None => filled.push_str(whole),
                    Some(meant) => {
                        let text = match found(&meant, results) {
                            Some(Value::String(text)) => text.clone(),
                            Some(Value::Number(number)) => number.to_string(),
                            Some(Value::Bool(yes)) => yes.to_string(),
                            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => return Err(whole.to_owned()),
                        };
                        filled.push_str(&written(text));
                    }
                },
            }
        }
        Ok(filled)
    }
}

fn found<'r>(meant: &Meant<'_>, results: &'r [Option<Value>]) -> Option<&'r Value> {
    let result = results.get(meant.place)?.as_ref()?;
    meant.members.iter().try_fold(result, |value, member| match value {
        Value::Array(items) => items.get(member.parse::<usize>().ok()?),
        Value::Object(members) => members.get(*member),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_filled_in() {
        let names = Names::new(HashMap::from([("c".to_owned(), 0)]));
        let results = [Some(json!({"id": "7", "version": 3, "emails": [{"value": "a@b.cn"}]}))];
        let fill = |value: Value| names.fill(&value, &results, "");
        assert_eq!(fill(json!({"a": "{{c.id}}", "b": ["{{ c.version }}"]})), Ok(json!({"a": "7", "b": [3]})));
        assert_eq!(fill(json!("v{{c.version}}: {{c.emails.0.value}}")), Ok(json!("v3: a@b.cn")));
        assert_eq!(fill(json!("{{ops.0.id}}")), Ok(json!("7")));
        // Texts that are meant for somebody else.
        assert_eq!(fill(json!("Dear {{contact.name}}, {{")), Ok(json!("Dear {{contact.name}}, {{")));
        assert_eq!(fill(json!({"a": ["{{c.nmae}}"]})), Err(("/a/0".to_owned(), "{{c.nmae}}".to_owned())));
        assert_eq!(fill(json!("x{{c.emails}}")), Err((String::new(), "x".to_owned().replace('x', "{{c.emails}}"))));
        let fits = |text: &str, mut left: usize| names.fits(&json!([text]), &results, &mut left);
        assert!(fits("{{c.emails.0.value}}{{c.id}} and what is written", 7) && !fits("{{c.emails.0.value}}{{c.id}}", 6));
        let mut places = Vec::new();
        names.in_value(&json!({"a": ["{{c.id}} {{ops.5.id}}", "{{d.id}}"]}), &mut places);
        assert_eq!(places, [0, 5]);
    }
}
