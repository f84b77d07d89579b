//! Every object there is, by name and by collection.

use crate::{
    customers::{contact::Contact, customer::Customer},
    entity::Entity,
    identity::{api_key::ApiKey, custom_field::CustomField, role::Role, tag::Tag, team::Team, user::User},
    integration::Import,
    object::Object,
};

/// All objects, in the order in which documentation and metadata list them.
#[must_use]
pub fn objects() -> [&'static Object; 9] {
    [
        Customer::object(),
        Contact::object(),
        Tag::object(),
        User::object(),
        Team::object(),
        Role::object(),
        ApiKey::object(),
        CustomField::object(),
        Import::object(),
    ]
}

#[must_use]
pub fn object(name: &str) -> Option<&'static Object> {
    objects().into_iter().find(|object| object.name == name)
}

#[must_use]
pub fn collection(collection: &str) -> Option<&'static Object> {
    objects().into_iter().find(|object| object.collection == collection)
}
