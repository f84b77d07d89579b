//! Texts made of several columns: `{account} – {product}`, `{sales_agent|dotted}@example.com`. One without a column is a constant.

use std::collections::BTreeMap;

use super::row::Row;
use crate::{
    model::fault::{Fault, FaultCode, unknown},
    values::text::fold,
};

/// How the cell of a column is written into a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    AsIs,
    Lower,
    Upper,
    /// Letters and digits in lower case, with dots between the words: `Anna Snelling` is `anna.snelling`.
    Dotted,
}

impl Form {
    fn read(name: &str) -> Option<Form> {
        match name.trim() {
            "lower" => Some(Form::Lower),
            "upper" => Some(Form::Upper),
            "dotted" => Some(Form::Dotted),
            _ => None,
        }
    }

    fn write(self, cell: &str) -> String {
        match self {
            Form::AsIs => cell.to_owned(),
            Form::Lower => cell.to_lowercase(),
            Form::Upper => cell.to_uppercase(),
            Form::Dotted => {
                let folded = fold(cell);
                let words: Vec<&str> = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
                words.join(".")
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Column { position: usize, form: Form, values: BTreeMap<String, String> },
}

/// A text with places for columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

impl Template {
    /// Reads a text; `values` tells what cells of a column are read as.
    pub fn read(text: &str, header: &[String], values: &dyn Fn(&str) -> BTreeMap<String, String>) -> Result<Template, Fault> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let malformed = || Fault::new("", FaultCode::Malformed).with("reason", "an unclosed {");
            let (inside, after) = after.split_once('}').ok_or_else(malformed)?;
            if !before.is_empty() {
                parts.push(Part::Literal(before.to_owned()));
            }
            let (name, form) = match inside.rsplit_once('|').map(|(name, form)| (name, Form::read(form))) {
                Some((name, Some(form))) => (name, form),
                Some(_) if !header.iter().any(|column| column == inside) => {
                    return Err(Fault::new("", FaultCode::UnknownChoice).with("choices", "lower, upper, dotted"));
                }
                Some(_) | None => (inside, Form::AsIs),
            };
            let position = header
                .iter()
                .position(|column| column == name)
                .ok_or_else(|| unknown(String::new(), FaultCode::UnknownMember, name, header.iter().map(String::as_str)))?;
            parts.push(Part::Column { position, form, values: values(name) });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Template(parts))
    }

    /// Whether it is the same in every row.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Literal(_)))
    }

    /// The text of a row: blank if all its columns are. What stands between two columns is left out unless both sides have a value.
    #[must_use]
    pub fn write(&self, row: &Row) -> String {
        if let [Part::Literal(text)] = self.0.as_slice() {
            return text.clone();
        }
        let first = self.0.iter().position(|part| matches!(part, Part::Column { .. })).unwrap_or(0);
        let last = self.0.iter().rposition(|part| matches!(part, Part::Column { .. })).unwrap_or(0);
        let (mut text, mut between, mut any) = (String::new(), "", false);
        for (place, part) in self.0.iter().enumerate() {
            match part {
                Part::Literal(literal) if place < first || (place > last && any) => text.push_str(literal),
                Part::Literal(literal) => between = literal,
                Part::Column { position, form, values } => {
                    let cell = row.cell(*position);
                    let written = form.write(values.get(cell).map_or(cell, String::as_str));
                    if !written.is_empty() {
                        if any {
                            text.push_str(between);
                        }
                        text.push_str(&written);
                        any = true;
                    }
                    between = "";
                }
            }
        }
        if any { text } else { String::new() }
    }
}
