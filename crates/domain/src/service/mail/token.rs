//! What mail that goes out carries so that its answers find their ticket: in its Message-ID, in the address that it wants answers at, and
//! in the subject. Each is signed with a secret of the tenant's own, so that nobody makes one up for another ticket or another tenant.
//! All are of letters and digits whose case does not matter: mail servers on the way write addresses as they like.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::values::id::Id;

/// How many bytes of the signature stand in a token of a ticket. With its id it is just short enough for the local part of an address.
const SIGNATURE: usize = 10;
/// How many characters a token of a ticket has.
pub const LENGTH: usize = ((16 + SIGNATURE) * 8).div_ceil(5);
/// How many bytes of the signature stand beside the number of a ticket in a subject.
const SHORT: usize = 5;
/// How many texts that look like a token are tried in one text.
const TRIED: usize = 20;

/// Signs and reads the tokens of a tenant.
pub struct Tokens<'a> {
    /// The secret of the tenant.
    pub key: &'a [u8],
    pub tenant: Id,
}

impl Tokens<'_> {
    /// The token of a ticket.
    #[must_use]
    pub fn of_ticket(&self, ticket: Id) -> String {
        let id = ticket.0.as_bytes();
        BASE32_NOPAD.encode(&[&id[..], &self.signature("ticket", id)[..SIGNATURE]].concat()).to_ascii_lowercase()
    }

    /// The ticket of the first token of this tenant in a text: in the id of a message, in an address.
    #[must_use]
    pub fn ticket_in(&self, text: &str) -> Option<Id> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() == LENGTH);
        words.take(TRIED).find_map(|word| self.ticket_of(word))
    }

    fn ticket_of(&self, token: &str) -> Option<Id> {
        let bytes = BASE32_NOPAD.decode(token.to_ascii_uppercase().as_bytes()).ok()?;
        let (id, signature) = bytes.split_first_chunk::<16>()?;
        let signed = self.signer("ticket", id).verify_truncated_left(signature).is_ok();
        (signed && signature.len() == SIGNATURE).then_some(Id(Uuid::from_bytes(*id)))
    }

    /// What stands in the subject of a ticket's mail: `[T-000042.k7x2m4qp]`.
    #[must_use]
    pub fn of_number(&self, number: &str) -> String {
        let signature = BASE32_NOPAD.encode(&self.signature("number", number.as_bytes())[..SHORT]);
        format!("[{number}.{}]", signature.to_ascii_lowercase())
    }

    /// The number in a subject, if it is signed, and where it stands there.
    #[must_use]
    pub fn number_in<'t>(&self, subject: &'t str) -> Option<(&'t str, std::ops::Range<usize>)> {
        subject.match_indices('[').take(TRIED).find_map(|(start, _)| {
            let end = start + subject[start..].find(']')?;
            let (number, _) = subject[start + 1..end].rsplit_once('.')?;
            // The signature is all of ASCII, and so is what differs from it in case alone.
            let is_signed = subject[start..=end].eq_ignore_ascii_case(&self.of_number(number));
            is_signed.then_some((number, start..end + 1))
        })
    }

    fn signature(&self, what: &str, said: &[u8]) -> [u8; 32] {
        self.signer(what, said).finalize().into_bytes().into()
    }

    fn signer(&self, what: &str, said: &[u8]) -> Hmac<Sha256> {
        // Keys of any length are taken; what else is signed with the key begins otherwise.
        let signer = Hmac::new_from_slice(self.key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        signer
            .chain_update(b"mail\0")
            .chain_update(what)
            .chain_update([0])
            .chain_update(self.tenant.0.as_bytes())
            .chain_update(said)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TENANT: Id = Id(Uuid::from_u128(7));
    const OTHER: Id = Id(Uuid::from_u128(8));

    fn tokens() -> Tokens<'static> {
        Tokens { key: b"secret", tenant: TENANT }
    }

    #[test]
    fn a_ticket_is_found_by_its_token_wherever_it_stands() {
        let ticket = Id(Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057));
        let token = tokens().of_ticket(ticket);
        assert_eq!(token.len(), LENGTH);
        for text in [
            token.clone(),
            format!("01890a5dac96774bbcceb302099a8057.{token}@example.cn"),
            format!("support+{token}@example.cn").to_uppercase(),
            format!("{}.{token}", "a".repeat(LENGTH)),
        ] {
            assert_eq!(tokens().ticket_in(&text), Some(ticket), "{text}");
            assert_eq!(Tokens { key: b"other", tenant: TENANT }.ticket_in(&text), None);
            assert_eq!(Tokens { key: b"secret", tenant: OTHER }.ticket_in(&text), None);
        }
        for place in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[place] = if forged[place] == b'a' { b'b' } else { b'a' };
            assert_eq!(tokens().ticket_in(&String::from_utf8(forged).unwrap()), None, "character {place}");
        }
    }

    #[test]
    fn a_number_is_believed_only_if_it_is_signed() {
        let tag = tokens().of_number("T-000042");
        let subject = format!("Re: 打印机 [urgent.] {tag} [x]");
        let (number, place) = tokens().number_in(&subject).unwrap();
        assert_eq!((number, &subject[place]), ("T-000042", tag.as_str()));
        assert!(tokens().number_in(&subject.to_uppercase()).is_some());
        for wrong in
            ["[T-000042]", "T-000042", "[T-000042.aaaaaaaa]", "", "[", "[.]", &tag.replace("42", "43"), &tag[..tag.len() - 1]]
        {
            assert!(tokens().number_in(wrong).is_none(), "{wrong}");
        }
        assert!(Tokens { key: b"secret", tenant: OTHER }.number_in(&subject).is_none());
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "(\\PC|\\[|\\]|\\.|[a-z2-7]{42}){0,40}") {
            prop_assert!(tokens().ticket_in(&text).is_none() && tokens().number_in(&text).is_none());
        }

        #[test]
        fn every_token_is_read_back(id in any::<u128>(), number in "[A-Za-z0-9 .-]{1,20}") {
            prop_assert_eq!(tokens().ticket_in(&tokens().of_ticket(Id(Uuid::from_u128(id)))), Some(Id(Uuid::from_u128(id))));
            let tag = tokens().of_number(&number);
            prop_assert_eq!(tokens().number_in(&tag).map(|(number, _)| number.to_owned()), Some(number));
        }
    }
}
