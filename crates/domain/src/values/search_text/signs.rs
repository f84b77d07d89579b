//! Words, runs of characters, numbers and codes within a text.

use crate::values::text::{fold, fold_spelt, is_cjk};

/// Longer tokens are cut here, in the index and in questions alike.
pub(super) const TOKEN_CHARS: usize = 64;
/// Digits or characters that are worth a token of their own at the end of a number or code.
pub(super) const SHORTEST_ENDING: usize = 3;
/// Endings kept of an e-mail's local part, beside those at its words.
pub(super) const LOCAL_ENDINGS: usize = 12;
/// Endings kept of a word with signs inside (`www.example.com`), and of a run of numbers (`138 0013 8000`).
pub(super) const PART_ENDINGS: usize = 8;

/// A stretch of text that is one thing to the index.
pub(super) enum Run<'a> {
    Cjk(Vec<char>),
    /// Letters and digits with the signs between them, a dot before (`.net`), and plus and number signs after (`c++`, `c#`).
    Word(&'a str),
    /// A picture: 😀, ★.
    Picture(char),
}

/// The words and runs of a prepared text, in order.
pub(super) fn runs(text: &str) -> impl Iterator<Item = Run<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(|c: char| c.is_alphanumeric() || is_picture(c))?;
        let (before, from) = rest.split_at(start);
        if let Some(picture) = from.chars().next().filter(|c| is_picture(*c)) {
            rest = &from[picture.len_utf8()..];
            return Some(Run::Picture(picture));
        }
        let cjk = from.starts_with(is_cjk);
        let end = from.find(|c: char| is_cjk(c) != cjk || !(c.is_alphanumeric() || is_joint(c))).unwrap_or(from.len());
        let run = &from[..end];
        let dotted = !cjk && before.ends_with('.');
        let word = if dotted { &rest[start - 1..start + end] } else { run };
        rest = &from[end..];
        Some(if cjk { Run::Cjk(run.chars().collect()) } else { Run::Word(without_loose_end(word)) })
    })
}

/// A word without the signs it ends with, but for plus and number signs right after its last letter.
fn without_loose_end(word: &str) -> &str {
    let bare = word.trim_end_matches(is_joint);
    let kept = word[bare.len()..].find(|c| !matches!(c, '+' | NUMBER)).unwrap_or(word.len() - bare.len());
    &word[..bare.len() + kept]
}

/// Whether a word is told from others by its signs too, and not by its parts alone.
pub(super) fn is_signed(word: &str) -> bool {
    word.contains(['@', '.', '+', NUMBER, AND])
}

/// The parts of a word between its signs, each with where it starts.
pub(super) fn parts(word: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    word.split_inclusive(is_joint)
        .map(move |part| {
            let start = at;
            at += part.len();
            (start, part.trim_end_matches(is_joint))
        })
        .filter(|(_, part)| !part.is_empty())
}

pub(super) fn pairs(run: &[char]) -> impl Iterator<Item = String> {
    run.windows(2).map(|pair| pair.iter().collect())
}

/// Where the endings of a local part start: at its first letters and digits, and at its words however far back.
/// No question begins with a sign but the dot, which is kept with the word after it.
pub(super) fn local_starts(local: &str) -> impl Iterator<Item = usize> {
    let count = local.chars().count();
    let letters = local
        .char_indices()
        .take((count + 1).saturating_sub(SHORTEST_ENDING))
        .filter(|(_, c)| c.is_alphanumeric())
        .map(|(start, _)| start)
        .take(LOCAL_ENDINGS);
    letters.chain(parts(local).map(|(start, _)| start).take(PART_ENDINGS))
}

/// A number as it may be typed: as it is, after `00`, and without the country code but with the `0` that is dialled at home.
pub(super) fn phone_forms(text: &str) -> Vec<String> {
    let digits = digits_of(text);
    if digits.is_empty() {
        return Vec::new();
    }
    let mut forms = vec![digits];
    if text.trim_start().starts_with('+') {
        let digits = &forms[0];
        let national = &digits[country_code_len(digits).min(digits.len())..];
        let (national, at_home, abroad) = (national.to_owned(), format!("0{national}"), format!("00{digits}"));
        forms.extend([abroad, at_home, national]);
        forms.retain(|form| form.len() >= SHORTEST_ENDING);
    }
    forms
}

/// How many digits of an international number are its country code (ITU-T E.164).
pub(super) fn country_code_len(digits: &str) -> usize {
    match digits.as_bytes() {
        [b'1' | b'7', ..] => 1,
        [b'2', b'0' | b'7', ..]
        | [b'3', b'0'..=b'4' | b'6' | b'9', ..]
        | [b'4', b'0' | b'1' | b'3'..=b'9', ..]
        | [b'5', b'1'..=b'8', ..]
        | [b'6', b'0'..=b'6', ..]
        | [b'8', b'1' | b'2' | b'4' | b'6', ..]
        | [b'9', b'0'..=b'5' | b'8', ..] => 2,
        _ => 3,
    }
}

/// The digits of a text that is one number, however it was grouped.
pub(super) fn number_of(text: &str) -> Option<String> {
    let digits = digits_of(text);
    (!digits.is_empty() && text.chars().all(is_number_sign)).then_some(digits)
}

pub(super) fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

pub(super) fn digit_groups(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty())
}

pub(super) fn is_number_sign(c: char) -> bool {
    c.is_ascii_digit() || c.is_whitespace() || matches!(c, '+' | '-' | '(' | ')')
}

/// The `^` token of a whole value. No other token has that sign, it is never part of a word.
pub(super) fn whole_token(text: &str) -> Option<String> {
    let counts = |c: &char| c.is_alphanumeric() || is_joint(*c) || is_picture(*c);
    let whole = number_of(text).unwrap_or_else(|| text.chars().filter(counts).collect());
    is_token(&whole).then(|| cut(&format!("^{whole}")))
}

pub(super) fn is_joint(c: char) -> bool {
    matches!(c, '@' | '.' | '_' | '-' | '+' | '=' | NUMBER | AND)
}

/// The number sign and the ampersand in tokens: wide, as the tokenizer of SQLite takes the narrow ones for blanks.
pub(super) const NUMBER: char = '＃';
pub(super) const AND: char = '＆';

/// Pictures that are asked for as words are.
pub(super) fn is_picture(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27bf}' | '\u{2b1b}'..='\u{2b55}' | '\u{1f000}'..='\u{1f3fa}' | '\u{1f400}'..='\u{1faff}')
}

/// Whether there is anything in it to look for.
pub(super) fn is_token(token: &str) -> bool {
    token.contains(|c: char| c.is_alphanumeric() || is_picture(c))
}

/// Folded, and with all signs that may hold a word together (`O'Brien`, `24/7`) as one of them, but for those that tell words
/// apart (`C#`, `AT&T`).
pub(super) fn prepare(text: &str) -> String {
    fold(text).chars().map(plain_sign).collect()
}

/// A text in each spelling under which it is to be found: as folded, with the umlauts spelt out, and, where it may spell some
/// out itself, with them as plain letters, so that `Müller` and `Mueller` find each other.
pub(super) fn spellings(text: &str) -> Vec<String> {
    let folded = prepare(text);
    let mut spellings = Vec::with_capacity(1);
    let spelt: String = fold_spelt(text).chars().map(plain_sign).collect();
    if spelt != folded {
        spellings.push(spelt);
    }
    let contracted = contracted(&folded);
    if contracted != folded {
        spellings.push(contracted);
    }
    spellings.insert(0, folded);
    spellings
}

/// `mueller` as `muller`. Not `neue` or `frequent`, which spell no umlaut out, nor `value`, which begins with what it would be.
fn contracted(folded: &str) -> String {
    if !["ae", "oe", "ue"].iter().any(|spelt| folded.contains(spelt)) {
        return folded.to_owned();
    }
    let mut left = String::with_capacity(folded.len());
    let mut chars = folded.chars().peekable();
    let (mut before, mut last) = ('\0', '\0');
    while let Some(c) = chars.next() {
        let is_spelt = c == 'e' && matches!(last, 'a' | 'o' | 'u') && chars.peek().is_some_and(|next| next.is_alphanumeric());
        let is_sound = last == 'u' && matches!(before, 'a' | 'e' | 'i' | 'o' | 'u' | 'q');
        if !is_spelt || is_sound {
            left.push(c);
        }
        (before, last) = (last, c);
    }
    left
}

/// `AT & T` written together.
pub(super) fn joined_by_and(text: &str) -> Option<String> {
    let apart = [" ＆ ", " ＆", "＆ "];
    let joined = apart.iter().fold(text.to_owned(), |text, apart| text.replace(apart, "＆"));
    (joined != text).then_some(joined)
}

pub(super) fn plain_sign(c: char) -> char {
    match c {
        '#' => NUMBER,
        '&' => AND,
        '!' | '$' | '%' | '\'' | '*' | '/' | '?' | '^' | '`' | '{' | '|' | '}' | '~' => '-',
        '\u{2010}'..='\u{2015}' | '\u{2018}' | '\u{2019}' | '\u{2212}' => '-',
        _ => c,
    }
}

pub(super) fn cut(token: &str) -> String {
    match token.char_indices().nth(TOKEN_CHARS) {
        Some((end, _)) => token[..end].to_owned(),
        None => token.to_owned(),
    }
}
