//! The changes of events as SQLite keeps them: deflated with a dictionary of what events usually say, since events are the larger part of a
//! database and say much the same. PostgreSQL compresses what is long itself, and integrators read its log.

use std::{cell::RefCell, io::Write};

use diesel::{
    deserialize::{self, FromSql},
    expression::AsExpression,
    pg::{Pg, PgValue},
    query_builder::QueryId,
    serialize::{self, IsNull, Output, ToSql},
    sql_types::SqlType,
    sqlite::{Sqlite, SqliteValue},
};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// `json`; in SQLite text, or a blob of deflated text.
#[derive(Clone, Copy, Debug, SqlType, QueryId)]
#[diesel(sqlite_type(name = "Binary"), postgres_type(oid = 114, array_oid = 199))]
pub struct ChangesSql;

/// The changes of an event, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, AsExpression)]
#[diesel(sql_type = ChangesSql)]
pub struct DbChanges(pub String);

impl From<String> for DbChanges {
    fn from(json: String) -> DbChanges {
        DbChanges(json)
    }
}

/// What is stored can be read with the very dictionary it was written with alone: a better one gets a mark of its own, and this stays.
static DICTIONARY: &[u8] = include_bytes!("changes.dictionary");

/// The first byte of what was deflated with [`DICTIONARY`]; JSON begins with a brace. The length of the text follows, in four bytes.
const DEFLATED: u8 = 1;
const HEADER: usize = 5;

/// What is shorter stays as it is.
const WORTH_IT: usize = 48;

thread_local! {
    static DEFLATER: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(3), false));
}

/// As they are stored: what does not become shorter stays as it is.
pub fn stored(json: &str) -> Vec<u8> {
    deflate(json).unwrap_or_else(|| json.as_bytes().to_vec())
}

fn deflate(json: &str) -> Option<Vec<u8>> {
    let length = u32::try_from(json.len()).ok().filter(|_| json.len() >= WORTH_IT)?;
    DEFLATER.with_borrow_mut(|deflater| {
        deflater.reset();
        deflater.set_dictionary(DICTIONARY).ok()?;
        let mut kept = Vec::with_capacity(json.len() + HEADER);
        kept.push(DEFLATED);
        kept.extend(length.to_le_bytes());
        // What does not fit has not become shorter.
        let status = deflater.compress_vec(json.as_bytes(), &mut kept, FlushCompress::Finish).ok()?;
        (status == Status::StreamEnd).then_some(kept)
    })
}

/// Stored changes as JSON; none if they are not what Farley stores.
pub fn inflate(kept: &[u8]) -> Option<String> {
    let (mark, rest) = kept.split_first()?;
    if *mark != DEFLATED {
        return String::from_utf8(kept.to_vec()).ok();
    }
    let (length, deflated) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let mut inflater = Decompress::new(false);
    inflater.set_dictionary(DICTIONARY).ok()?;
    let mut json = Vec::with_capacity(length);
    let status = inflater.decompress_vec(deflated, &mut json, FlushDecompress::Finish).ok()?;
    (status == Status::StreamEnd && json.len() == length).then(|| String::from_utf8(json).ok())?
}

impl ToSql<ChangesSql, Sqlite> for DbChanges {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(stored(&self.0));
        Ok(IsNull::No)
    }
}

impl ToSql<ChangesSql, Pg> for DbChanges {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<ChangesSql, Sqlite> for String {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<String> {
        inflate(value.read_blob()).ok_or_else(|| "the changes of an event cannot be read".into())
    }
}

impl FromSql<ChangesSql, Pg> for String {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<String> {
        Ok(std::str::from_utf8(value.as_bytes())?.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_an_earlier_version_wrote_is_read() {
        let json = r#"{"stage_id":{"from":"018c1f93","to":"018c1e98"},"probability":{"from":10,"to":25}}"#;
        let kept = [
            0x01, 0x52, 0x00, 0x00, 0x00, 0xc3, 0xb1, 0x30, 0xd9, 0x22, 0xd9, 0x30, 0xcd, 0xd2, 0x18, 0x64, 0x3a, 0x64, 0x8d,
            0xaa, 0x45, 0xb2, 0x61, 0xaa, 0xa5, 0x05, 0x28, 0xce, 0x51, 0x16, 0x84, 0xc0, 0x74, 0x20, 0x2d, 0x52, 0xae, 0x05,
            0x00,
        ];
        assert_eq!(inflate(&kept).unwrap(), json, "the dictionary of the mark 1 has changed");
        assert_eq!(inflate(br#"{"name":{"from":"a","to":"b"}}"#).unwrap(), r#"{"name":{"from":"a","to":"b"}}"#, "as plain text");
    }

    #[test]
    fn usual_changes_take_a_fraction_of_their_text() {
        let json = r#"{"+":{"name":"Amanda Allen","family_name":"Allen","given_name":"Amanda","department":"Marketing","status":"active","customer_id":"018c1f93-8d0a-7d98-bf91-16a7f967aeff","emails":[{"value":"amanda.allen@orchard-biotech.example.com","typed":null,"label":"work","primary":true}],"language":"en-US","owner_id":"018c1e98-10c2-7728-8379-94194b76d58d"}}"#;
        let kept = deflate(json).unwrap();
        assert!(kept.len() * 2 < json.len(), "{} of {}", kept.len(), json.len());
        assert_eq!(inflate(&kept).unwrap(), json);
        assert_eq!(inflate(&kept[..kept.len() - 1]), None, "half of it is no event");
    }

    proptest! {
        #[test]
        fn whatever_is_kept_comes_back(json in "\\PC{0,400}", times in 1_usize..4) {
            let json = format!("{{{}", json.repeat(times));
            if let Some(kept) = deflate(&json) {
                prop_assert_eq!(inflate(&kept), Some(json.clone()));
            }
            prop_assert_eq!(inflate(json.as_bytes()), Some(json));
        }
    }
}
