//! How a mail is answered: whom the answer goes to, and what it is called.

use super::{addresses, header::Line, token::Tokens};

/// How the subjects of answers begin, in the languages of mail programs.
const PREFIXES: &[&str] = &["re", "aw", "sv", "antw", "回复", "答复", "回覆", "回信"];

/// The message that is answered, as far as it tells whom the answer goes to.
pub struct Answered<'a> {
    /// Who wrote it; none if the desk did.
    pub sender: Option<&'a str>,
    pub to: &'a [String],
    pub cc: &'a [String],
}

/// Whom an answer goes to, and whom copies go to.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Recipients {
    pub to: Vec<String>,
    pub cc: Vec<String>,
}

impl Answered<'_> {
    /// An answer goes to the sender, with copies to everybody else whom the message went to; what the desk wrote is followed by more to
    /// the same people. Addresses of the desk itself get nothing, and nobody gets it twice.
    pub fn recipients(&self, is_own: impl Fn(&str) -> bool) -> Recipients {
        let chosen = |addresses: &mut dyn Iterator<Item = &str>, but: &[String]| {
            let mut chosen: Vec<String> = Vec::new();
            for address in addresses {
                let known = but.iter().chain(&chosen).any(|known| known == address);
                if !known && !is_own(address) && chosen.len() < addresses::MOST {
                    chosen.push(address.to_owned());
                }
            }
            chosen
        };
        let all = || self.to.iter().map(String::as_str);
        let copies = || self.cc.iter().map(String::as_str);
        match self.sender {
            Some(sender) => {
                let to = chosen(&mut [sender].into_iter(), &[]);
                let cc = chosen(&mut all().chain(copies()), &to);
                Recipients { to, cc }
            }
            None => {
                let to = chosen(&mut all(), &[]);
                let cc = chosen(&mut copies(), &to);
                Recipients { to, cc }
            }
        }
    }
}

/// The subject of a mail about a ticket: that of what it answers, once with `Re:`, and with the number of the ticket at its end. At most
/// so many characters, of which the number always has its own.
#[must_use]
pub fn subject(base: &str, answers: bool, tokens: &Tokens<'_>, number: &str, most: usize) -> Line {
    let mut rest = base.to_owned();
    while let Some((_, place)) = tokens.number_in(&rest) {
        rest.replace_range(place, " ");
    }
    let line = Line::of(&rest);
    let mut said = line.as_str();
    while let Some(next) = without_prefix(said) {
        said = next;
    }
    let tag = tokens.of_number(number);
    let (before, after) = if answers { ("Re: ", tag) } else { ("", tag) };
    let room = most.saturating_sub(before.chars().count() + after.chars().count() + 1);
    let said: String = said.chars().take(room).collect();
    Line::of(&format!("{before}{said} {after}"))
}

/// What follows `Re:`, `RE[2]:`, `回复：` and their like.
fn without_prefix(subject: &str) -> Option<&str> {
    let (prefix, rest) = subject.split_once([':', '：'])?;
    let word = prefix.trim().trim_end_matches(|c: char| c.is_ascii_digit() || "[]()".contains(c)).to_lowercase();
    PREFIXES.contains(&word.as_str()).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::values::id::Id;

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn an_answer_goes_to_whom_the_message_names() {
        let own = |address: &str| address.starts_with("support");
        let (to, cc) = (texts(&["support@x", "li@x", "fang@x", "support+t@x"]), texts(&["boss@x", "li@x"]));
        let answered = Answered { sender: Some("fang@x"), to: &to, cc: &cc };
        assert_eq!(answered.recipients(own), Recipients { to: texts(&["fang@x"]), cc: texts(&["li@x", "boss@x"]) });
        let answered = Answered { sender: None, to: &to, cc: &cc };
        assert_eq!(answered.recipients(own), Recipients { to: texts(&["li@x", "fang@x"]), cc: texts(&["boss@x"]) });
        let looped = Answered { sender: Some("support@x"), to: &to, cc: &[] };
        assert_eq!(looped.recipients(own).to, Vec::<String>::new());
    }

    #[test]
    fn a_subject_has_one_re_and_one_number() {
        let tokens = Tokens { key: b"k", tenant: Id::NIL };
        let tag = tokens.of_number("T-1");
        for base in [
            "打印机",
            "Re: 打印机",
            "回复：RE[2]: AW: 打印机",
            &format!("Re: 打印机 {tag}"),
            &format!("{tag} 答复: 打印机 {tag}"),
        ] {
            assert_eq!(subject(base, true, &tokens, "T-1", 300).as_str(), format!("Re: 打印机 {tag}"), "{base}");
        }
        assert_eq!(subject("Fwd: a: b", true, &tokens, "T-1", 300).as_str(), format!("Re: Fwd: a: b {tag}"));
        assert_eq!(subject("hello", false, &tokens, "T-1", 300).as_str(), format!("hello {tag}"));
        let long = subject(&"汉".repeat(500), true, &tokens, "T-1", 300);
        assert!(long.as_str().chars().count() == 300 && long.as_str().ends_with(&tag));
    }

    proptest! {
        #[test]
        fn any_subject_is_answered(base in "(\\PC|\r\n|Re: |回复：|\\[|\\]){0,60}", most in 30_usize..300) {
            let tokens = Tokens { key: b"k", tenant: Id::NIL };
            let line = subject(&base, true, &tokens, "T-000001", most);
            prop_assert!(line.as_str().chars().count() <= most && !line.as_str().contains(char::is_control));
            prop_assert_eq!(tokens.number_in(line.as_str()).map(|(number, _)| number), Some("T-000001"));
        }

        #[test]
        fn nobody_gets_it_twice_and_no_mailbox_does(to in proptest::collection::vec("[a-d]", 0..8), cc in proptest::collection::vec("[a-d]", 0..8), sender in "[a-d]") {
            let found = Answered { sender: Some(&sender), to: &to, cc: &cc }.recipients(|address| address == "a");
            let mut all = [found.to, found.cc].concat();
            let count = all.len();
            all.sort();
            all.dedup();
            prop_assert_eq!(all.len(), count);
            let mut named: Vec<&String> = to.iter().chain(&cc).chain([&sender]).filter(|address| *address != "a").collect();
            named.sort();
            named.dedup();
            prop_assert_eq!(all.iter().collect::<Vec<_>>(), named);
        }
    }
}
