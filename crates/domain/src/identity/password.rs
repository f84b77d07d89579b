//! What a password must be. Hashing is the API's work.

use std::collections::BTreeSet;

/// The shortest password taken, in characters (NIST SP 800-63B asks for at least 8).
pub const MIN_LENGTH: usize = 10;
/// The longest, so that hashing cannot be made to cost more than it should.
pub const MAX_LENGTH: usize = 200;

/// Whether a password is long enough and not one that everybody tries first: neither a common word nor the user's own name with
/// digits and signs around it, nor a row of keys.
#[must_use]
pub fn is_strong(password: &str, email: &str) -> bool {
    let length = password.chars().count();
    if !(MIN_LENGTH..=MAX_LENGTH).contains(&length) {
        return false;
    }
    let folded = password.to_lowercase();
    let email = email.to_lowercase();
    let local = email.split('@').next().unwrap_or_default();
    folded != email && !is_guessed(&folded, local)
}

/// Whether a password in small letters is among those that are guessed first.
fn is_guessed(folded: &str, local: &str) -> bool {
    let distinct: BTreeSet<char> = folded.chars().collect();
    if distinct.len() < 4 || is_repeated(folded) || is_walk(folded) {
        return true;
    }
    // `P@ssw0rd123!` is `password` with digits and signs; what stands around the word adds nothing that is not tried too.
    let is_edge = |c: char| !c.is_alphabetic();
    let bare = folded.trim_matches(|c: char| is_edge(c) && letter_of(c, 'i') == c);
    [folded.trim_matches(is_edge), bare, folded].into_iter().any(|core| {
        ['i', 'l'].into_iter().any(|bar| {
            let plain: String = core.chars().map(|c| letter_of(c, bar)).collect();
            is_words(core, local) || is_words(&plain, local) || is_words(&letters(&plain), local)
        })
    })
}

/// Whether a text is one of the common words, the user's own name, or a few of these after each other, but for a short rest.
fn is_words(text: &str, local: &str) -> bool {
    /// What may be left over beside the words, in characters.
    const REST: usize = 3;
    let own = if local.chars().count() >= 4 { local } else { "" };
    let mut rest = text.to_owned();
    let mut words: Vec<&str> = COMMON.iter().copied().chain([own]).filter(|word| !word.is_empty()).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let mut found = 0;
    for word in words {
        let shorter = rest.replace(word, "");
        if shorter.len() < rest.len() {
            found += 1;
            rest = shorter;
        }
    }
    // More than two words are a phrase, which nobody guesses.
    (1..=2).contains(&found) && letters(&rest).chars().count() <= REST
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).collect()
}

/// Whether it is a short text again and again: `abcabcabc`.
fn is_repeated(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    (1..=4).any(|period| characters.iter().zip(characters.iter().skip(period)).all(|(one, next)| one == next))
}

/// Whether it is a way along the keyboard, the digits or the alphabet, forth or back, with at most three turns.
fn is_walk(text: &str) -> bool {
    const ROWS: &[&str] = &[
        "01234567890",
        "qwertyuiop",
        "asdfghjkl",
        "zxcvbnm",
        "abcdefghijklmnopqrstuvwxyz",
        "1q2w3e4r5t6y7u8i9o0p",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    ];
    let characters: Vec<char> = text.chars().collect();
    let follows = |pair: &[char]| {
        let [one, next] = pair else { return false };
        one == next
            || ROWS.iter().any(|row| {
                let row: Vec<char> = row.chars().collect();
                row.windows(2).any(|keys| keys == [*one, *next] || keys == [*next, *one])
            })
    };
    characters.windows(2).filter(|pair| !follows(pair)).count() <= 3.min(characters.len() / 4)
}

/// The letter that a sign stands for; any other as it is. `1` and `!` stand for i as well as l.
fn letter_of(sign: char, bar: char) -> char {
    match sign {
        '@' | '4' => 'a',
        '8' => 'b',
        '3' => 'e',
        '1' | '!' => bar,
        '0' => 'o',
        '$' | '5' => 's',
        '7' | '+' => 't',
        other => other,
    }
}

/// The words that passwords are made of most, by the lists of those that leaked.
const COMMON: &[&str] = &[
    "abc",
    "access",
    "admin",
    "administrator",
    "andrew",
    "angel",
    "anthony",
    "apple",
    "asdf",
    "asdfgh",
    "asdfghjkl",
    "ashley",
    "autumn",
    "baby",
    "bailey",
    "barcelona",
    "baseball",
    "basketball",
    "batman",
    "beijing",
    "charlie",
    "changeme",
    "chelsea",
    "china",
    "chocolate",
    "company",
    "computer",
    "corvette",
    "cookie",
    "dallas",
    "daniel",
    "default",
    "diamond",
    "dragon",
    "email",
    "falcon",
    "farley",
    "ferrari",
    "flower",
    "football",
    "freedom",
    "friend",
    "friends",
    "gandalf",
    "george",
    "ginger",
    "google",
    "guest",
    "hannah",
    "hello",
    "hockey",
    "hunter",
    "iloveyou",
    "internet",
    "jackson",
    "jennifer",
    "jessica",
    "jordan",
    "joshua",
    "justin",
    "killer",
    "letmein",
    "liverpool",
    "login",
    "london",
    "love",
    "lovely",
    "maggie",
    "manager",
    "master",
    "matrix",
    "matthew",
    "mercedes",
    "michael",
    "michelle",
    "monday",
    "money",
    "monkey",
    "mustang",
    "nicole",
    "ninja",
    "office",
    "orange",
    "pass",
    "passwd",
    "password",
    "passwort",
    "pepper",
    "pokemon",
    "porsche",
    "princess",
    "purple",
    "qazwsx",
    "qwer",
    "qwert",
    "qwerty",
    "qwertyuiop",
    "qwertz",
    "robert",
    "root",
    "samsung",
    "secret",
    "security",
    "server",
    "shadow",
    "shanghai",
    "silver",
    "soccer",
    "spring",
    "starwars",
    "summer",
    "sunday",
    "sunshine",
    "superman",
    "support",
    "system",
    "temp",
    "test",
    "testing",
    "thomas",
    "thunder",
    "tigger",
    "trustno",
    "user",
    "welcome",
    "whatever",
    "william",
    "winter",
    "woaini",
    "wang",
    "yankees",
    "zhang",
    "zaqwsx",
    "zxcvbn",
    "zxcvbnm",
    "mima",
    "nihao",
    "aini",
    "caonima",
    "hello world",
    "contraseña",
    "motdepasse",
    "senha",
    "密码",
    "我爱你",
];

#[cfg(test)]
mod tests {
    use super::is_strong;

    #[test]
    fn what_everybody_tries_first_is_refused() {
        for weak in [
            "P@ssw0rd123",
            "p@$$w0rd2024!",
            "Password123!",
            "passw0rd1234",
            "Passwort2024",
            "1234567890",
            "0987654321",
            "qwertyuiop",
            "1q2w3e4r5t",
            "1qaz2wsx3edc",
            "qwerty12345",
            "abc1234567",
            "a123456789",
            "woaini1314",
            "woaini520520",
            "1111111111",
            "aaaaaaaaab",
            "abcabcabcabc",
            "W3lcome2024",
            "Summer2024!!",
            "Admin@123456",
            "admin123456",
            "adminadmin1",
            "letmein1234",
            "iloveyou123",
            "changeme123",
            "administrator",
            "Wei.Zhang2024",
            "abcdefghij",
            "12345qwert",
            "!QAZ2wsx3edc",
            "short",
            "MyPassword1!",
        ] {
            assert!(!is_strong(weak, "wei.zhang@example.com"), "{weak}");
        }
    }

    #[test]
    fn what_takes_long_to_guess_is_taken() {
        for strong in [
            "a good long passphrase",
            "correct horse battery",
            "another good passphrase",
            "kX9#vQ2!mZpL",
            "Tr0ub4dor&3xyz",
            "纸鸢飞过北山的第七天",
            "7f3a9c1e5b2d",
            "monkeys eat dragon fruit",
            "the summer of 1977 was hot",
            "rlqmvtzwpx",
        ] {
            assert!(is_strong(strong, "wei.zhang@example.com"), "{strong}");
        }
        assert!(!is_strong(&"kX9#vQ2!mZpL".repeat(17), ""));
    }
}
