//! Whether names are of one organization or person: keys under which they coincide, how much they are alike, and the legal form
//! of a company, by which none is told from another.
//!
//! Keys are compared, never shown. Two equal keys are a hint, not a proof.

use crate::values::{
    search_text::{Query, Term},
    text::{self, fold, fold_spelt, is_cjk},
};

/// A company's name without its legal form, case, accents, blanks and punctuation: `华为技术有限公司` and `华为技术` meet,
/// as do `Acme Tools, Inc.` and `ACME TOOLS`.
///
/// The place in brackets stays, as 华为（深圳） and 华为（北京） are two companies. A name of nothing but legal forms is kept.
pub fn organization_key(name: &str) -> String {
    let words = words(name);
    let mut words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
    if words.len() > 1 && words[0] == "the" {
        words.remove(0);
    }
    while words.len() > 1 && words.last().is_some_and(|word| PLAIN_FORMS.contains(word) || LOOSE_FORMS.contains(word)) {
        words.pop();
    }
    let joined = words.concat();
    let mut key = joined.as_str();
    if let Some(rest) = LEADING_FORMS.iter().find_map(|form| key.strip_prefix(form)).filter(|rest| !rest.is_empty()) {
        key = rest;
    }
    while let Some(shorter) = CHINESE_FORMS.iter().find_map(|form| key.strip_suffix(form)).filter(|rest| !rest.is_empty()) {
        key = shorter;
    }
    key.to_owned()
}

/// A folded name without the legal form at its end; none if it has none, or is nothing else. Only what hardly means anything
/// else counts as one: it is also taken off what people search for.
pub fn without_legal_form(folded: &str) -> Option<&str> {
    let is_end = |c: char| !c.is_alphanumeric();
    let mut rest = folded.trim_end_matches(is_end);
    let whole = rest.len();
    loop {
        let shorter = if rest.ends_with(is_cjk) {
            CHINESE_FORMS.iter().find_map(|form| rest.strip_suffix(form)).filter(|left| {
                // 子公司 and 分公司 are words of their own.
                left.chars().filter(|c| c.is_alphanumeric()).count() > 1 && !left.ends_with(['分', '子', '母'])
            })
        } else {
            let start = rest.rfind(|c: char| c.is_whitespace() || matches!(c, ',' | '-') || is_cjk(c));
            let start = start.map_or(0, |at| at + rest[at..].chars().next().map_or(0, char::len_utf8));
            let word = rest[start..].replace('.', "");
            PLAIN_FORMS.contains(&word.as_str()).then(|| &rest[..start])
        };
        match shorter.map(|left| left.trim_end_matches(is_end)).filter(|left| !left.is_empty()) {
            Some(left) => rest = left,
            None => break,
        }
    }
    (rest.len() < whole).then_some(rest)
}

/// Whether two names are of one organization as far as names can tell, in either spelling of their umlauts.
pub fn same_organization(one: &str, other: &str) -> bool {
    let same = |one: &str, other: &str| {
        let key = organization_key(one);
        !key.is_empty() && key == organization_key(other)
    };
    same(one, other) || same(&fold_spelt(one), &fold_spelt(other))
}

/// How much two names of organizations are alike, from 0 to 1: 1 if they are the same but for what [`organization_key`] leaves
/// out, else by how many letters differ, the place a Chinese name begins with aside.
pub fn likeness(one: &str, other: &str) -> f64 {
    if same_organization(one, other) {
        return 1.0;
    }
    let (one, other) = (organization_key(one), organization_key(other));
    if one.is_empty() || other.is_empty() {
        return 0.0;
    }
    let whole = strsim::normalized_damerau_levenshtein(&one, &other);
    let (one, other) = (without_place(&one), without_place(&other));
    let proper = strsim::normalized_damerau_levenshtein(one, other);
    // Never the whole: two letters that differ may be two companies.
    whole.max(proper * PLACE_ASIDE).min(ALIKE_AT_MOST)
}

/// From which likeness on two names may be one.
pub const ALIKE: f64 = 0.85;
/// What a likeness without the place counts.
const PLACE_ASIDE: f64 = 0.95;
const ALIKE_AT_MOST: f64 = 0.99;

/// With what the key of a name not unlike this one begins, and how many characters it has: so much that a slip elsewhere does no
/// harm.
pub fn near_key(name: &str) -> (String, std::ops::RangeInclusive<usize>) {
    let key = text::key(&organization_key(name));
    let length = key.chars().count();
    let slips = length / 6 + 1;
    let beginning = key.chars().take(if key.starts_with(is_cjk) { 1 } else { 3 }).collect();
    (beginning, length.saturating_sub(slips)..=length + slips)
}

/// A search for names that have the part in common that tells most, wherever it stands in them; none if there is no such part.
pub fn telling_part(name: &str) -> Option<Query> {
    let key = organization_key(name);
    let is_cjk_name = key.starts_with(is_cjk);
    let telling: Vec<Term> = if is_cjk_name {
        let proper: Vec<char> = without_place(&key).chars().take(4).collect();
        proper.windows(2).map(|pair| Term { token: pair.iter().collect(), prefix: false }).collect()
    } else {
        let words = words(name);
        let longest = words.split(' ').max_by_key(|word| word.chars().count()).unwrap_or_default();
        let token: String = longest.chars().take(longest.chars().count().saturating_sub(2).max(4)).collect();
        vec![Term { token, prefix: true }]
    };
    let query = Query::of_titles(telling);
    let tells = query.terms.iter().all(|term| term.token.chars().count() > if is_cjk_name { 1 } else { 2 });
    (tells && !query.is_empty()).then_some(query)
}

/// A Chinese name without the province or city it begins with, as long as something is left that tells.
fn without_place(key: &str) -> &str {
    let mut rest = key;
    while let Some((at, place)) = rest.char_indices().skip(1).take(5).find(|(_, c)| matches!(c, '省' | '市' | '县')) {
        let left = &rest[at + place.len_utf8()..];
        if left.chars().count() < 2 || !rest.starts_with(is_cjk) {
            break;
        }
        rest = left;
    }
    rest
}

/// A person's name without title, case, accents, punctuation and order: `Zhang, Wei`, `Mr. Wei Zhang` and `zhang wei`
/// meet. Chinese names lose blanks and dots only; their order has a meaning.
pub fn person_key(name: &str) -> String {
    let words = words(name);
    let mut words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
    while words.len() > 1 && words.first().is_some_and(|word| TITLES.contains(word)) {
        words.remove(0);
    }
    while words.len() > 1 && words.last().is_some_and(|word| TITLES.contains(word)) {
        words.pop();
    }
    if words.iter().any(|word| word.contains(is_cjk)) {
        let joined = words.concat();
        let titled = CHINESE_TITLES.iter().find_map(|title| joined.strip_suffix(title));
        // 张先生 alone would become 张, and all Zhangs one man.
        return titled.filter(|rest| rest.chars().count() > 1).unwrap_or(&joined).to_owned();
    }
    words.sort_unstable();
    words.join(" ")
}

/// Folded letters and digits, in words parted by single or more blanks. Dots and apostrophes part nothing (`S.A.`, `O'Brien`).
fn words(name: &str) -> String {
    fold(name)
        .replace('&', " and ")
        .chars()
        .filter(|c| !matches!(c, '.' | '\'' | '’'))
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect()
}

/// Last words that tell the form of a company and hardly anything else.
const PLAIN_FORMS: &[&str] = &[
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "co",
    "company",
    "ltd",
    "limited",
    "coltd",
    "llc",
    "llp",
    "plc",
    "gmbh",
    "mbh",
    "ag",
    "kg",
    "kgaa",
    "ohg",
    "sa",
    "sas",
    "sarl",
    "srl",
    "spa",
    "ltda",
    "bv",
    "nv",
    "ab",
    "oy",
    "oyj",
    "pty",
    "pte",
    "pvt",
    "sdn",
    "bhd",
    "ooo",
    "sro",
    "kft",
];

/// Last words that tell the form too, and may mean something else in what people search for.
const LOOSE_FORMS: &[&str] = &[
    "companies",
    "lp",
    "pllc",
    "pc",
    "group",
    "holding",
    "holdings",
    "ug",
    "se",
    "ev",
    "sasu",
    "sl",
    "slu",
    "sapi",
    "sab",
    "cv",
    "de",
    "eireli",
    "lda",
    "vof",
    "as",
    "asa",
    "aps",
    "kk",
    "gk",
    "private",
    "tbk",
    "jsc",
    "ojsc",
    "pjsc",
    "oao",
    "zao",
    "doo",
    "dd",
    "zoo",
    "sp",
    "z",
    "zrt",
    "nyrt",
    "and",
];

/// Ends of Chinese and Japanese names that tell the form, not the company. They are taken off one after the other.
const CHINESE_FORMS: &[&str] = &[
    "股份有限公司",
    "有限责任公司",
    "有限公司",
    "股份公司",
    "责任有限公司",
    "集团公司",
    "总公司",
    "公司",
    "集团",
    "控股",
    "股份",
    "有限合伙",
    "普通合伙",
    "合伙企业",
    "株式会社",
    "有限会社",
    "주식회사",
];

/// The Japanese and Korean forms of company may as well come first.
const LEADING_FORMS: &[&str] = &["株式会社", "有限会社", "주식회사"];

const TITLES: &[&str] =
    &["mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "madam", "herr", "frau", "jr", "sr", "phd", "md", "mba"];

const CHINESE_TITLES: &[&str] = &["先生", "女士", "小姐", "总经理", "经理", "老师", "博士", "教授", "医生"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same_organization(names: &[&str]) {
        let keys: Vec<String> = names.iter().map(|name| organization_key(name)).collect();
        assert!(keys.iter().all(|key| *key == keys[0]), "{names:?} {keys:?}");
    }

    #[test]
    fn legal_forms_do_not_tell_companies_apart() {
        same_organization(&["华为技术有限公司", "华为技术", " 华为 技术 有限责任公司", "华为技术股份有限公司"]);
        same_organization(&["阿里巴巴集团控股有限公司", "阿里巴巴集团", "阿里巴巴"]);
        same_organization(&["华为（深圳）有限公司", "华为(深圳)"]);
        same_organization(&[
            "Acme Tools, Inc.",
            "ACME TOOLS",
            "acme-tools ltd",
            "The Acme Tools Co., Ltd.",
            "Ａcme Tools Co.,Ltd",
        ]);
        same_organization(&["Müller & Söhne GmbH & Co. KG", "Muller and Sohne"]);
        same_organization(&["Telefónica S.A.", "Telefonica"]);
        same_organization(&["株式会社トヨタ", "トヨタ株式会社", "トヨタ"]);
    }

    #[test]
    fn other_names_stay_apart() {
        assert_ne!(organization_key("华为（深圳）"), organization_key("华为（北京）"));
        assert_ne!(organization_key("Acme Tools"), organization_key("Acme Trucks"));
        for name in ["有限公司", "Limited", "集团公司", "Group Holdings"] {
            assert_ne!(organization_key(name), "", "{name}");
        }
    }

    #[test]
    fn legal_forms_are_taken_off_what_is_searched() {
        for (name, proper) in [
            ("kingsway trading ltd.", Some("kingsway trading")),
            ("kingsway trading co., ltd", Some("kingsway trading")),
            ("muller & sohne gmbh & co. kg", Some("muller & sohne")),
            ("telefonica s.a.", Some("telefonica")),
            ("华为公司", Some("华为")),
            ("华为技术股份有限公司", Some("华为技术")),
            ("limited", None),
            ("公司", None),
            ("子公司", None),
            ("北京分公司", None),
            ("open group", None),
            ("", None),
        ] {
            assert_eq!(without_legal_form(name), proper, "{name}");
        }
    }

    #[test]
    fn names_are_alike_by_their_letters() {
        for (one, other) in [
            ("Kingsway Trading Ltd.", "KINGSWAY TRADING LIMITED"),
            ("华为技术有限公司", "華為技術"),
            ("Müller GmbH", "Mueller"),
            ("Müller GmbH", "Muller"),
        ] {
            assert_eq!(likeness(one, other), 1.0, "{one} {other}");
        }
        for (one, other) in [
            ("Kingsway Trading", "Kingswey Trading"),
            ("深圳市大族机器人有限公司", "大族机器人"),
            ("广东省深圳市大族机器人", "大族机器人"),
        ] {
            assert!((ALIKE..1.0).contains(&likeness(one, other)), "{one} {other} {}", likeness(one, other));
        }
        for (one, other) in [("Acme Tools", "Acme Trucks"), ("华为（深圳）", "华为（北京）"), ("华为", "中兴"), ("", "x")]
        {
            assert!(likeness(one, other) < ALIKE, "{one} {other} {}", likeness(one, other));
        }
    }

    #[test]
    fn people_are_one_in_any_order() {
        for name in ["Zhang Wei", "Wei Zhang", "ZHANG, Wei", "Mr. Wei Zhang", "Dr Zhang Wéi"] {
            assert_eq!(person_key(name), "wei zhang", "{name}");
        }
        for name in ["张伟", "张 伟", "张伟先生", "张伟 经理"] {
            assert_eq!(person_key(name), "张伟", "{name}");
        }
        assert_eq!(person_key("阿凡提·买买提"), "阿凡提买买提");
        assert_eq!(person_key("张先生"), "张先生");
        assert_ne!(person_key("张伟"), person_key("伟张"));
    }

    proptest! {
        #[test]
        fn keys_do_not_panic_and_have_no_case(name in any::<String>(), plain in "[A-Za-z ,.]{0,20}") {
            let _ = (organization_key(&name), person_key(&name));
            prop_assert_eq!(organization_key(&plain), organization_key(&plain.to_uppercase()));
            prop_assert_eq!(person_key(&plain), person_key(&plain.to_uppercase()));
        }
    }
}
