//! The mark by which an answer is known to belong to a ticket: the ticket's number with a signature over its id, in the subject
//! (`[T-000042-6fq2m4x7k9ab]`) and in the address to reply to (`support+T-000042-6fq2m4x7k9ab@example.com`). Programs that drop or
//! rewrite the ids of messages keep one of the two; nobody who has not been written to can make one up.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::values::id::Id;

/// How many characters the signature has, five bits each: guessing one takes 2^59 tries on average.
const SIGNATURE: usize = 12;
/// Crockford's digits in lower case: none is mistaken for another.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How many marks of one message are looked at.
const MOST: usize = 20;

/// A mark as it was found: not yet known to be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The number of the ticket, in upper case.
    pub number: String,
    signature: String,
}

impl Mark {
    /// The mark of a ticket.
    #[must_use]
    pub fn of(number: &str, ticket: Id, key: &[u8]) -> Mark {
        Mark { number: number.to_owned(), signature: signature(ticket, key) }
    }

    /// Whether it is the mark of this ticket.
    #[must_use]
    pub fn is_of(&self, ticket: Id, key: &[u8]) -> bool {
        // All characters are looked at, so that the time taken says nothing of the first that differs.
        let right = signature(ticket, key);
        let differences = right.bytes().zip(self.signature.bytes()).fold(0, |all, (right, found)| all | (right ^ found));
        differences == 0 && right.len() == self.signature.len()
    }
}

impl std::fmt::Display for Mark {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}-{}", self.number, self.signature)
    }
}

fn signature(ticket: Id, key: &[u8]) -> String {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(b"ticket mail ");
    mac.update(ticket.to_string().as_bytes());
    let bytes = mac.finalize().into_bytes();
    let bits = bytes.iter().take(8).fold(0_u64, |all, byte| (all << 8) | u64::from(*byte));
    (0..SIGNATURE).map(|place| char::from(DIGITS[(bits >> (place * 5)) as usize & 31])).collect()
}

/// The marks in a subject or an address, of tickets whose numbers begin with this prefix (`T-`).
#[must_use]
pub fn find(text: &str, prefix: &str) -> Vec<Mark> {
    let mut found = Vec::new();
    // Subjects are short; an address is shorter still.
    let folded: String = text.chars().take(2_000).collect::<String>().to_ascii_lowercase();
    let prefix = prefix.to_ascii_lowercase();
    for (start, _) in folded.match_indices(&prefix) {
        let rest = &folded[start + prefix.len()..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let Some(signed) = rest.get(digits..).and_then(|rest| rest.strip_prefix('-')) else { continue };
        let length = signed.bytes().take_while(|byte| DIGITS.contains(byte)).count();
        let begins = !folded[..start].ends_with(|before: char| before.is_ascii_alphanumeric());
        if digits > 0 && digits <= 20 && length == SIGNATURE && begins && found.len() < MOST {
            let number = format!("{}{}", prefix.to_ascii_uppercase(), &rest[..digits]);
            found.push(Mark { number, signature: signed[..SIGNATURE].to_owned() });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_back_and_cannot_be_made_up() {
        let (ticket, other) = (Id::NIL, "01890a5d-ac96-774b-bcce-b302099a8057".parse().expect("an id"));
        let mark = Mark::of("T-000042", ticket, b"secret");
        for text in [
            format!("Re: AW: 回复：打印机 [{mark}] (fwd)"),
            format!("support+{mark}@example.com"),
            format!("SUPPORT+{}@EXAMPLE.COM", mark.to_string().to_uppercase()),
        ] {
            let found = find(&text, "T-");
            assert_eq!(found, std::slice::from_ref(&mark), "{text}");
            assert!(found[0].is_of(ticket, b"secret"));
            assert!(!found[0].is_of(other, b"secret") && !found[0].is_of(ticket, b"another secret"));
        }
        for text in ["T-000042", "[T-000042-abc]", "xT-000042-6fq2m4x7k9ab", "T--6fq2m4x7k9ab", "T-000042-6fq2m4x7k9abz", "T-1"] {
            assert!(find(text, "T-").is_empty(), "{text}");
        }
        assert_eq!(find(&"T-1-6fq2m4x7k9ab ".repeat(1_000), "T-").len(), MOST);
    }
}
