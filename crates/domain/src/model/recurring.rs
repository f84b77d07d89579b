//! The fields that recur: one name and one meaning in every object that has them, for code that serves any object.

use serde_json::{Map, Value};

use crate::{
    model::{
        field::Field,
        handle::{Any, Handle},
        structures::{addresses::Address, contact_points::ContactPoint},
    },
    values::{id::Id, time::Timestamp},
};

/// Where every record keeps what most records have; an entity's own fields come after.
pub mod slots {
    pub const ID: usize = 0;
    pub const VERSION: usize = 1;
    pub const CREATED_AT: usize = 2;
    pub const CREATED_BY: usize = 3;
    pub const UPDATED_AT: usize = 4;
    pub const UPDATED_BY: usize = 5;
    pub const ARCHIVED_AT: usize = 6;
    pub const OWNER_ID: usize = 7;
    pub const TEAM_ID: usize = 8;
    pub const TAG_IDS: usize = 9;
    pub const EXTERNAL_IDS: usize = 10;
    pub const CUSTOM: usize = 11;
    /// The place of the first field that a declaration names itself.
    pub const OWN: usize = 12;

    /// The place of a field that recurs.
    #[must_use]
    pub fn of(name: &str) -> Option<usize> {
        const NAMES: [&str; OWN] = [
            "id",
            "version",
            "created_at",
            "created_by",
            "updated_at",
            "updated_by",
            "archived_at",
            "owner_id",
            "team_id",
            "tag_ids",
            "external_ids",
            "custom",
        ];
        NAMES.iter().position(|known| *known == name)
    }
}

pub const ID: Handle<Any, Id> = Handle::declared("id", slots::ID);
pub const VERSION: Handle<Any, i64> = Handle::declared("version", slots::VERSION);
pub const CREATED_AT: Handle<Any, Option<Timestamp>> = Handle::declared("created_at", slots::CREATED_AT);
pub const CREATED_BY: Handle<Any, Option<Id>> = Handle::declared("created_by", slots::CREATED_BY);
pub const UPDATED_AT: Handle<Any, Option<Timestamp>> = Handle::declared("updated_at", slots::UPDATED_AT);
pub const UPDATED_BY: Handle<Any, Option<Id>> = Handle::declared("updated_by", slots::UPDATED_BY);
pub const ARCHIVED_AT: Handle<Any, Option<Timestamp>> = Handle::declared("archived_at", slots::ARCHIVED_AT);
/// The user who looks after the record.
pub const OWNER_ID: Handle<Any, Option<Id>> = Handle::recurring("owner_id");
pub const TEAM_ID: Handle<Any, Option<Id>> = Handle::recurring("team_id");
pub const TAG_IDS: Handle<Any, Vec<Id>> = Handle::recurring("tag_ids");
pub const EXTERNAL_IDS: Handle<Any, Map<String, Value>> = Handle::recurring("external_ids");
pub const CUSTOM: Handle<Any, Map<String, Value>> = Handle::declared("custom", slots::CUSTOM);
pub const LEAD_ID: Handle<Any, Option<Id>> = Handle::recurring("lead_id");
pub const CONTACT_ID: Handle<Any, Option<Id>> = Handle::recurring("contact_id");
pub const OPPORTUNITY_ID: Handle<Any, Option<Id>> = Handle::recurring("opportunity_id");
pub const PRODUCT_ID: Handle<Any, Option<Id>> = Handle::recurring("product_id");
pub const LAST_ACTIVITY_AT: Handle<Any, Option<Timestamp>> = Handle::recurring("last_activity_at");
pub const NEXT_TASK_AT: Handle<Any, Option<Timestamp>> = Handle::recurring("next_task_at");

/// The user that the record is about.
pub const USER_ID: Handle<Any, Option<Id>> = Handle::recurring("user_id");
/// The customer that the record names.
pub const CUSTOMER_ID: Handle<Any, Option<Id>> = Handle::recurring("customer_id");
/// The pool that the record waits in while nobody owns it.
pub const POOL_ID: Handle<Any, Option<Id>> = Handle::recurring("pool_id");
/// The record above this one in a tree of its object.
pub const PARENT_ID: Handle<Any, Option<Id>> = Handle::recurring("parent_id");
/// The number that the server gives.
pub const NUMBER: Handle<Any, Option<String>> = Handle::recurring("number");
/// Where the record stands among those of the same parent.
pub const SORT_ORDER: Handle<Any, Option<i64>> = Handle::recurring("sort_order");
/// How far the record is; the choices are each object's own.
pub const STATUS: Handle<Any, Option<String>> = Handle::recurring("status");
/// What the record is called.
pub const NAME: Handle<Any, Option<String>> = Handle::recurring("name");
/// When what the record is about came.
pub const RECEIVED_AT: Handle<Any, Option<Timestamp>> = Handle::recurring("received_at");
pub const ADDRESSES: Handle<Any, Vec<Address>> = Handle::recurring("addresses");
pub const EMAILS: Handle<Any, Vec<ContactPoint>> = Handle::recurring("emails");
pub const PHONES: Handle<Any, Vec<ContactPoint>> = Handle::recurring("phones");

/// Whether a field says who wrote a record and when, and so changes with every write.
#[must_use]
pub fn is_bookkeeping(field: &Field) -> bool {
    const FIELDS: [usize; 6] =
        [slots::ID, slots::VERSION, slots::CREATED_AT, slots::CREATED_BY, slots::UPDATED_AT, slots::UPDATED_BY];
    FIELDS.contains(&field.slot)
}
