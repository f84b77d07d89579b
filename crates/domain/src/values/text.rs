//! Text as it is stored and as it is compared.
//!
//! [`clean_line`] and [`clean_text`] are what every typed text goes through before it is stored. [`fold`] is the one
//! folding behind case-insensitive comparison, sorting keys and search, so that all three agree.

use unicode_normalization::UnicodeNormalization;

/// One line as it is stored (names, subjects): NFKC, inner white space collapsed to one blank, trimmed, no control characters.
pub fn clean_line(typed: &str) -> String {
    let mut line = String::with_capacity(typed.len());
    for c in typed.nfkc().filter(|&c| c.is_whitespace() || !is_invisible(c)) {
        if !c.is_whitespace() {
            line.push(c);
        } else if !line.is_empty() && !line.ends_with(' ') {
            line.push(' ');
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// Several lines as they are stored (notes, descriptions): NFC, line ends as `\n`, no control characters but `\n` and
/// `\t`, nothing blank at the end. Compatibility characters stay as they were typed: `m²` in a note is meant.
pub fn clean_text(typed: &str) -> String {
    let mut text: String =
        typed.replace("\r\n", "\n").replace('\r', "\n").nfc().filter(|&c| matches!(c, '\n' | '\t') || !is_invisible(c)).collect();
    text.truncate(text.trim_end().len());
    text
}

/// The form in which two texts are compared: NFKC and lower case, so `ＡＣＭＥ`, `Acme` and `ACME` are one.
///
/// Lower-casing goes character by character (and both sigmas become one), so that the folding of a prefix is a prefix of
/// the folding.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkc().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).nfkc().collect()
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

/// Letters without their accents, for search and duplicate keys, where `Jose` has to meet `José`. Takes folded text.
pub(crate) fn without_accents(folded: &str) -> String {
    if folded.is_ascii() {
        return folded.to_owned();
    }
    folded.nfd().filter(|c| !matches!(c, '\u{300}'..='\u{36f}')).nfc().collect()
}

/// Characters nobody sees and nobody means: controls, zero-width blanks, marks of writing direction. Joiners stay,
/// emoji and Indic scripts are spelt with them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(clean_line("  ＡＣＭＥ\u{3000} Tools\r\n\tLtd\u{200b}\u{0} "), "ACME Tools Ltd");
        assert_eq!(clean_line("华为技术"), "华为技术");
        assert_eq!(clean_line(" \n "), "");
    }

    #[test]
    fn a_text_keeps_its_lines() {
        assert_eq!(clean_text("a\r\n\tb\u{7}\rm²  \n\n"), "a\n\tb\nm²");
        assert_eq!(clean_text("e\u{301}"), "é");
    }

    #[test]
    fn folding_forgets_case_and_width() {
        assert_eq!(fold("ＨＵＡＷＥＩ"), "huawei");
        assert_eq!(fold("ΟΔΟΣ"), fold("οδος"));
        assert_eq!(without_accents(&fold("JOSÉ")), "jose");
        assert_eq!(without_accents("が"), "が");
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
    }
}
