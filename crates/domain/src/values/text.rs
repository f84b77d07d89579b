//! Text as it is stored and as it is compared.
//!
//! [`clean_line`] and [`clean_text`] are what every typed text goes through before it is stored: they keep what was typed.
//! [`fold`] is the one folding behind search, `contains`, uniqueness, duplicates and the matching of imports, so that all of
//! them agree; [`meet`] adds the two spellings of an umlaut, and [`key`] is under what an index keeps texts that may meet.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// One line as it is stored (names, subjects, codes): NFC, trimmed, no control characters. What breaks a line becomes a blank;
/// all else is meant as it was typed, `3½`, `A²` and full-width letters too.
pub fn clean_line(typed: &str) -> String {
    let mut line = String::with_capacity(typed.len());
    let mut broken = false;
    for c in typed.chars().filter(|&c| breaks_line(c) || !is_invisible(c)).nfc() {
        if breaks_line(c) {
            broken = true;
            continue;
        }
        if broken && !c.is_whitespace() && !line.ends_with(char::is_whitespace) {
            line.push(' ');
        }
        broken = false;
        line.push(c);
    }
    trimmed(line)
}

/// Several lines as they are stored (notes, descriptions): NFC, trimmed, line ends as `\n`, no control characters but `\n`
/// and `\t`.
pub fn clean_text(typed: &str) -> String {
    trimmed(visible_text(typed))
}

/// A password as it is hashed: as [`clean_text`], but for the blanks it may begin with.
pub fn clean_secret(typed: &str) -> String {
    let mut text = visible_text(typed);
    text.truncate(text.trim_end().len());
    text
}

fn visible_text(typed: &str) -> String {
    let text = typed.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|&c| matches!(c, '\n' | '\t') || !is_invisible(c)).nfc().collect()
}

fn trimmed(mut text: String) -> String {
    // What nobody sees is blank, joiners and fillers that join nothing too.
    if text.chars().all(|c| c.is_whitespace() || is_unseen_alone(c)) {
        return String::new();
    }
    text.truncate(text.trim_end().len());
    let blank = text.len() - text.trim_start().len();
    text.drain(..blank);
    text
}

fn breaks_line(c: char) -> bool {
    matches!(c, '\t'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The form in which two texts are compared: without width, case and accents (`ＡＣＭＥ`, `Acmé` and `acme` are one), letters
/// with a stroke or joined as plain ones (`ı` `i`, `ø` `o`, `ł` `l`, `ß` `ss`, `æ` `ae`), traditional Chinese as
/// simplified, and blanks in a row as one. Both engines have the same function, under the name `fold` and `farley_fold`.
///
/// Letters are folded one by one, so that the folding of a part is a part of the folding.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return squeezed(text.to_ascii_lowercase());
    }
    let plain: String = lowered(text).flat_map(plain_letters).nfd().filter(|c| !is_accent(*c)).nfc().collect();
    let plain = if plain.contains(is_han) { plain.chars().map(simplified).collect() } else { plain };
    squeezed(plain.nfkc().collect())
}

/// The same with the umlauts spelt out (`ä` `ae`, `ö` and `ø` `oe`, `ü` `ue`): `Müller` as those write it who have no
/// such key.
pub fn fold_spelt(text: &str) -> String {
    let is_spelt = |c: char| matches!(c, 'ä' | 'ö' | 'ü' | 'ø' | 'Ä' | 'Ö' | 'Ü' | 'Ø' | '\u{308}');
    if !text.contains(is_spelt) {
        return fold(text);
    }
    let mut spelt = String::with_capacity(text.len() + 4);
    for c in lowered(text) {
        match c {
            'ä' => spelt.push_str("ae"),
            'ö' | 'ø' => spelt.push_str("oe"),
            'ü' => spelt.push_str("ue"),
            c => spelt.push(c),
        }
    }
    fold(&spelt)
}

/// Whether two texts are one to people: folded they are the same, or with their umlauts spelt out they are.
pub fn meet(one: &str, other: &str) -> bool {
    fold(one) == fold(other) || fold_spelt(one) == fold_spelt(other)
}

/// Under what an index keeps a text: texts that [`meet`] have the same key. Texts that do not may have the same one too
/// (`Mueller` and `Muller`), so whoever looks them up compares.
pub fn key(text: &str) -> String {
    let mut key = without_e(&fold(text));
    if let Some((end, _)) = key.char_indices().nth(KEY_CHARS) {
        key.truncate(end);
    }
    key
}

/// Longer keys are cut here.
const KEY_CHARS: usize = 300;

/// What both spellings of an umlaut have in common: no e after a, o and u.
fn without_e(folded: &str) -> String {
    let mut left = String::with_capacity(folded.len());
    for c in folded.chars() {
        if c != 'e' || !left.ends_with(['a', 'o', 'u']) {
            left.push(c);
        }
    }
    left
}

fn lowered(text: &str) -> impl Iterator<Item = char> + '_ {
    // Once more in NFKC: a letter may have been lowered to one that is composed otherwise.
    text.nfkc().flat_map(char::to_lowercase).nfkc()
}

fn plain_letters(c: char) -> impl Iterator<Item = char> {
    let letters = match c {
        'ß' => ['s', 's'],
        'æ' => ['a', 'e'],
        'œ' => ['o', 'e'],
        'þ' => ['t', 'h'],
        _ => [STROKES.iter().find(|(stroke, _)| *stroke == c).map_or(c, |(_, plain)| *plain), '\0'],
    };
    letters.into_iter().filter(|c| *c != '\0')
}

/// Letters that no decomposition makes plain.
const STROKES: [(char, char); 9] =
    [('ı', 'i'), ('ø', 'o'), ('ł', 'l'), ('đ', 'd'), ('ð', 'd'), ('ħ', 'h'), ('ŧ', 't'), ('ə', 'e'), ('ς', 'σ')];

/// The simplified form of a traditional character; any other as it is.
pub fn simplified(c: char) -> char {
    if !is_han(c) {
        return c;
    }
    let table = &*SIMPLIFIED;
    table.binary_search_by_key(&c, |(traditional, _)| *traditional).map_or(c, |at| table[at].1)
}

/// Traditional characters with their simplified forms, in order.
pub static SIMPLIFIED: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let mut lines = include_str!("simplified.txt").lines().skip(3);
    let (traditional, simplified) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    traditional.chars().zip(simplified.chars()).collect()
});

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}

fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn squeezed(text: String) -> String {
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
    if !text.bytes().any(|byte| matches!(byte, b'\t' | b'\n' | b'\r')) && !text.contains("  ") {
        return text;
    }
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if !is_blank(c) {
            line.push(c);
        } else if !line.ends_with(' ') {
            line.push(' ');
        }
    }
    line
}

/// Full-width letters, digits, signs and blanks as their ASCII twins, as a Chinese or Japanese keyboard types them in
/// telephone numbers and addresses of the net.
pub fn half_width(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '！'..='～' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
            '\u{3000}' | '\u{a0}' => ' ',
            '。' => '.',
            _ => c,
        })
        .collect()
}

/// Whether a character belongs to a script written without blanks between words: Han, kana, bopomofo, Hangul.
pub fn is_cjk(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}'     // 々〆〇
        | '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309f}' // hiragana
        | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' // katakana
        | '\u{3105}'..='\u{312f}' | '\u{31a0}'..='\u{31bf}' // bopomofo
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' // Han
        | '\u{ac00}'..='\u{d7a3}'   // Hangul
        | '\u{f900}'..='\u{faff}'   // Han, compatibility
        | '\u{20000}'..='\u{323af}' // Han, rare
    )
}

/// Characters nobody sees and nobody means: controls, zero-width blanks, marks of writing direction. Joiners stay,
/// emoji and Indic scripts are spelt with them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Characters that show nothing where no other stands beside them: joiners, selectors of variants, fillers, the blank of Braille.
fn is_unseen_alone(c: char) -> bool {
    matches!(c, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200c}' | '\u{200d}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(clean_line("  ACME Tools\r\n\tLtd\u{200b}\u{0} \u{3000}"), "ACME Tools Ltd");
        assert_eq!(clean_line("华为技术"), "华为技术");
        for unseen in [" \n ", "\u{200b}\u{200d}\u{200c}", "\u{3164} \u{feff}", "\u{2800}\u{fe0f}"] {
            assert_eq!((clean_line(unseen).as_str(), clean_text(unseen).as_str()), ("", ""));
        }
        assert_eq!(clean_line("👩\u{200d}🚀"), "👩\u{200d}🚀");
    }

    #[test]
    fn what_was_typed_is_kept() {
        for typed in ["3½", "①²", "A²", "ＡＣＭＥ\u{3000}工具", "m³ ™", "a  b", "ﬁne", "臺灣"] {
            assert_eq!(clean_line(typed), typed);
            assert_eq!(clean_text(typed), typed);
        }
        assert_eq!(clean_line("e\u{301}"), "é");
        assert_eq!(clean_secret("  a "), "  a");
    }

    #[test]
    fn a_text_keeps_its_lines() {
        assert_eq!(clean_text(" \na\r\n\tb\u{7}\rm²  \n\n"), "a\n\tb\nm²");
        assert_eq!(clean_text("e\u{301}"), "é");
    }

    #[test]
    fn folding_forgets_how_it_is_written() {
        for (one, other) in [
            ("ＨＵＡＷＥＩ", "huawei"),
            ("ΟΔΟΣ", "οδος"),
            ("JOSÉ", "jose"),
            ("İSTANBUL", "istanbul"),
            ("ISPARTA", "ısparta"),
            ("Straße", "STRASSE"),
            ("STRAẞE", "strasse"),
            ("Smørrebrød", "smorrebrod"),
            ("Łódź", "lodz"),
            ("Ægir", "aegir"),
            ("Müller", "muller"),
            ("①²", "12"),
            ("華為", "华为"),
            ("臺灣", "台湾"),
            ("裡 裏", "里 里"),
            ("a \n\tb", "A b"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
            assert!(meet(one, other));
            assert_eq!(key(one), key(other));
        }
        assert_eq!(fold("が"), "が");
        assert_ne!(fold("后羿"), fold("候羿"));
    }

    #[test]
    fn umlauts_meet_both_spellings() {
        assert!(meet("Müller", "Mueller") && meet("MÜLLER", "Muller") && meet("Søren", "Soeren") && meet("Neüe", "neuee"));
        assert!(!meet("Mueller", "Muller") && !meet("Blue", "Blu") && !meet("Müller", "Miller"));
        assert_eq!(fold_spelt("u\u{308}ber"), "ueber");
    }

    #[test]
    fn every_traditional_character_has_one_simplified_form() {
        assert!(SIMPLIFIED.len() > 4_000);
        assert!(SIMPLIFIED.is_sorted_by_key(|(traditional, _)| *traditional));
        assert!(SIMPLIFIED.iter().all(|(_, form)| simplified(*form) == *form));
    }

    #[test]
    fn full_width_signs_become_ascii() {
        assert_eq!(half_width("＋８６（１０）＠ａ。ｃｎ"), "+86(10)@a.cn");
    }

    #[test]
    fn chinese_japanese_and_korean_are_cjk() {
        assert!("华々ひカ한𠀀".chars().all(is_cjk));
        assert!(!"aé1，·。 ".chars().any(is_cjk));
    }

    proptest! {
        #[test]
        fn cleaning_and_folding_settle_at_once(s in any::<String>()) {
            let (line, text, folded) = (clean_line(&s), clean_text(&s), fold(&s));
            prop_assert_eq!(clean_line(&line), line.clone());
            prop_assert_eq!(clean_text(&text), text);
            prop_assert_eq!(fold(&folded), folded);
            prop_assert!(!line.contains(['\n', '\t']));
        }

        #[test]
        fn what_meets_has_one_key(one in "[aeouäöüøßéÄÖ華华 ]{0,6}", other in "[aeouäöüøßéÄÖ華华 ]{0,6}") {
            prop_assert!(!meet(&one, &other) || key(&one) == key(&other));
            let spelt = fold_spelt(&one);
            prop_assert_eq!(key(&one), key(&spelt));
            prop_assert!(meet(&one, &spelt) && meet(&one, &fold(&one)));
        }
    }
}
