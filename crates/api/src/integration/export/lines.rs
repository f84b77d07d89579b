//! Records as lines of a file.

use farley_domain::{
    integration::{
        export::{Export, ExportEncoding, ExportFormat, ExportHeader},
        import::cell,
    },
    model::{
        fault::Language,
        field::{Field, FieldType, Label},
        object::{Object, Reach},
        record::Record,
    },
    query::predicate::path,
    values::{
        money::{Currency, Money},
        time::Timestamp,
    },
};
use serde_json::Value;

use crate::{
    access::principal::Principal,
    http::{csv_file::harmless, problem::Problem},
};

/// A column: where its value is found in a record, and the field it is of.
struct Column {
    path: String,
    field: Option<Field>,
    title: String,
}

/// How records become lines.
pub struct Lines {
    format: ExportFormat,
    encoding: ExportEncoding,
    bom: bool,
    labels: bool,
    language: Language,
    columns: Vec<Column>,
    currency: Currency,
    zone: chrono_tz::Tz,
}

impl Lines {
    pub fn of(
        export: &Record<Export>,
        principal: &Principal,
        object: &'static Object,
        language: Language,
        now: Timestamp,
    ) -> Lines {
        let view = principal.view(now);
        let schema = path::shape_of(object, &view);
        let labels = export.get(Export::header) == Some(ExportHeader::Labels);
        let columns = export.get(Export::columns).into_iter().map(|path| {
            let field = path::field_at(&schema, &path, &view);
            let text = |label: &Label| match language {
                Language::English => label.en.to_string(),
                Language::Chinese => label.zh.to_string(),
            };
            let own = field.as_ref().map(|field| text(&field.label));
            // Of a related record: what it is to this one first.
            let label = match relation_label(object, &path) {
                Some(relation) => own.map(|own| format!("{} / {own}", text(relation))),
                None => own,
            };
            let title = if labels { label.unwrap_or_else(|| path.clone()) } else { path.clone() };
            Column { path, field, title }
        });
        let standards = principal.standards(now);
        Lines {
            format: export.get(Export::format).unwrap_or(ExportFormat::Csv),
            encoding: export.get(Export::encoding).unwrap_or(ExportEncoding::Utf8),
            bom: export.get(Export::bom),
            labels,
            language,
            columns: columns.collect(),
            currency: standards.currency,
            zone: standards.zone,
        }
    }

    /// What the file begins with.
    pub fn beginning(&self) -> Result<Vec<u8>, Problem> {
        match self.format {
            ExportFormat::Ndjson => Ok(Vec::new()),
            ExportFormat::Csv => {
                let mut bytes = Vec::new();
                if self.bom && self.encoding == ExportEncoding::Utf8 {
                    bytes.extend_from_slice("\u{feff}".as_bytes());
                }
                bytes.extend(self.written(self.columns.iter().map(|column| harmless(column.title.clone())))?);
                Ok(bytes)
            }
        }
    }

    /// The line of a record.
    pub fn line(&self, record: &Value) -> Result<Vec<u8>, Problem> {
        match self.format {
            ExportFormat::Ndjson => {
                let mut line = serde_json::to_vec(record).map_err(Problem::internal)?;
                line.push(b'\n');
                Ok(line)
            }
            ExportFormat::Csv => self.written(self.columns.iter().map(|column| self.cell(column, record))),
        }
    }

    fn written(&self, cells: impl Iterator<Item = String>) -> Result<Vec<u8>, Problem> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        writer.write_record(cells).map_err(Problem::internal)?;
        let line = writer.into_inner().map_err(Problem::internal)?;
        if self.encoding == ExportEncoding::Utf8 {
            return Ok(line);
        }
        let text = String::from_utf8(line).map_err(Problem::internal)?;
        Ok(encoding_rs::GB18030.encode(&text).0.into_owned())
    }

    fn cell(&self, column: &Column, record: &Value) -> String {
        let Some(field) = &column.field else { return String::new() };
        match found(record, &column.path) {
            Value::Null => String::new(),
            value => self.text(field, &value),
        }
    }

    /// A value as people write it, and as an import reads it again.
    fn text(&self, field: &Field, value: &Value) -> String {
        match (&field.kind, value) {
            (FieldType::Money, Value::Object(_)) => self.money(value),
            (FieldType::DateTime, Value::String(time)) => self.time(time),
            (FieldType::Choice(choices) | FieldType::MultiChoice(choices), Value::String(value)) if self.labels => {
                let choice = choices.iter().find(|choice| choice.value == *value);
                harmless(choice.map_or_else(
                    || value.clone(),
                    |choice| match self.language {
                        Language::English => choice.label.en.to_string(),
                        Language::Chinese => choice.label.zh.to_string(),
                    },
                ))
            }
            (_, Value::String(text)) => harmless(text.clone()),
            // As JSON, where a sign that separates is part of a text: an import would else take it apart.
            (FieldType::Texts { .. }, Value::Array(items)) if items.iter().filter_map(Value::as_str).any(cell::separates) => {
                value.to_string()
            }
            (_, Value::Array(items)) => {
                let texts: Vec<String> = items.iter().map(|item| self.item(field, item)).collect();
                harmless(texts.join("; "))
            }
            (_, Value::Object(members)) if members.is_empty() => String::new(),
            (_, other) => other.to_string(),
        }
    }

    /// An item of a list: the number or address of a contact point, and else the text or the whole.
    fn item(&self, field: &Field, item: &Value) -> String {
        match item {
            Value::String(_) => self.text(field, item).trim_start_matches('\'').to_owned(),
            Value::Object(members) => {
                members.get("value").and_then(Value::as_str).map_or_else(|| item.to_string(), str::to_owned)
            }
            other => other.to_string(),
        }
    }

    /// An amount in major units; with its currency where that is not the tenant's.
    fn money(&self, value: &Value) -> String {
        let amount = value["amount"].as_i64().zip(value["currency"].as_str().and_then(|code| code.parse::<Currency>().ok()));
        amount.map_or_else(String::new, |(amount, currency)| {
            let written = Money::new(amount, currency).to_decimal_string();
            if currency == self.currency { written } else { format!("{currency} {written}") }
        })
    }

    /// A time on the clocks of the tenant's time zone, as spreadsheets know it.
    fn time(&self, text: &str) -> String {
        let Some(time) = Timestamp::parse(text) else { return text.to_owned() };
        let local = time.to_utc().with_timezone(&self.zone);
        let form = if time.milliseconds() % 1_000 == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.3f" };
        local.format(form).to_string()
    }
}

/// What a related record is to a record, by the reference that a path goes through.
fn relation_label<'o>(object: &'o Object, path: &str) -> Option<&'o Label> {
    let (relation, _) = path.split_once('.')?;
    match object.relation(relation)?.reach {
        Reach::ToOne { field } => object.field(field).map(|field| &field.label),
        Reach::Inverse { .. } | Reach::Linked { .. } | Reach::Attached { .. } => None,
    }
}

/// The value at a path: a field, a custom field, or a field of a related record.
fn found(record: &Value, path: &str) -> Value {
    path.split('.').try_fold(record, |value, part| value.get(part)).cloned().unwrap_or(Value::Null)
}
