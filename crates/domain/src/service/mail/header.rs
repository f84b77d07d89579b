//! What stands in the headers of mail that goes out. A text becomes one only by the types here, which hold no line end and no other
//! control character: nothing that somebody wrote adds a header.

use super::read::{Person, clean_id, one_line};
use crate::values::email;

/// How many ids of earlier messages a mail refers to: the first of the conversation and the latest ones.
const REFERENCES: usize = 20;
/// The longest id that stands in a header, in bytes, so that its line keeps within what servers take (RFC 5322, 2.1.1).
const LONGEST_ID: usize = 250;

/// A text of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(String);

impl Line {
    /// The text with every control character and line end in it as a space.
    #[must_use]
    pub fn of(text: &str) -> Line {
        Line(one_line(text))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of a message, without angle brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageId(String);

impl MessageId {
    /// None if the text is none that a header takes as it is.
    #[must_use]
    pub fn of(id: &str) -> Option<MessageId> {
        let clean = clean_id(id)?;
        let is_plain = clean.len() <= LONGEST_ID && clean.bytes().all(|byte| byte.is_ascii_graphic()) && clean.contains('@');
        is_plain.then_some(MessageId(clean))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As headers have it.
    #[must_use]
    pub fn in_brackets(&self) -> String {
        format!("<{}>", self.0)
    }
}

/// Somebody as a header names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The address as machines write it: its domain in ASCII.
    address: String,
    name: Option<Line>,
}

impl Named {
    /// None if it is no address.
    #[must_use]
    pub fn of(address: &str, name: Option<&str>) -> Option<Named> {
        let standard = email::standardise(address).ok()?;
        let name = name.map(Line::of).filter(|name| !name.as_str().is_empty());
        Some(Named { address: email::in_ascii(&standard).unwrap_or(standard), name })
    }

    #[must_use]
    pub fn of_person(person: &Person) -> Option<Named> {
        Named::of(&person.address, person.name.as_deref())
    }

    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_ref().map(Line::as_str)
    }
}

/// The ids that a mail refers to (RFC 5322, 3.6.4): those of the messages before it, oldest first, with the one that it answers last.
/// Of a long conversation the first and the latest: programs that show threads need a connection, not all of it.
#[must_use]
pub fn references(earlier: &[MessageId], answered: Option<&MessageId>) -> Vec<MessageId> {
    let mut ids: Vec<MessageId> = Vec::new();
    for id in earlier {
        if Some(id) != answered && !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    ids.extend(answered.cloned());
    if ids.len() > REFERENCES {
        ids.drain(1..=ids.len() - REFERENCES);
    }
    ids
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(number: usize) -> MessageId {
        MessageId::of(&format!("{number}@x")).unwrap()
    }

    #[test]
    fn a_long_conversation_is_referred_to_by_its_ends() {
        let earlier: Vec<MessageId> = (0..50).map(id).collect();
        let referred = references(&earlier, Some(&id(30)));
        assert_eq!((referred.len(), &referred[0], &referred[REFERENCES - 1]), (REFERENCES, &id(0), &id(30)));
        assert_eq!(referred[REFERENCES - 2], id(49));
        assert_eq!(references(&[id(1), id(2), id(1)], Some(&id(2))), [id(1), id(2)]);
        assert!(references(&[], None).is_empty());
    }

    #[test]
    fn names_and_ids_are_of_one_line() {
        assert_eq!(Line::of("a\r\nBcc: x@y.z").as_str(), "a Bcc: x@y.z");
        let named = Named::of("Li@例子.公司", Some("Li\r\nWei")).unwrap();
        assert_eq!((named.address(), named.name()), ("li@xn--fsqu00a.xn--55qx5d", Some("Li Wei")));
        for wrong in ["", "a", "a b\u{0}@c", "ä@x", &format!("{}@x", "a".repeat(LONGEST_ID))] {
            assert_eq!(MessageId::of(wrong), None, "{wrong}");
        }
        assert_eq!(MessageId::of("<a@x>\r\n").unwrap().in_brackets(), "<a@x>");
    }

    proptest! {
        #[test]
        fn nothing_adds_a_header(text in "(\\PC|\r|\n|\u{0}|\u{85}|\u{2028}|<|>|@|a){0,30}") {
            let is_broken = |text: &str| text.contains(|c: char| c.is_control() || c == '\u{2028}');
            prop_assert!(!is_broken(Line::of(&text).as_str()));
            prop_assert!(MessageId::of(&text).is_none_or(|id| !is_broken(id.as_str()) && !id.as_str().contains(['<', '>', ' '])));
            if let Some(named) = Named::of(&text, Some(&text)) {
                prop_assert!(!is_broken(named.address()) && !named.name().is_some_and(is_broken));
            }
        }
    }
}
