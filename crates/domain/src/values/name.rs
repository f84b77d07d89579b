//! Keys under which names of one organization or person coincide, for the search for duplicates.
//!
//! Keys are compared, never shown. Two equal keys are a hint, not a proof.

use crate::values::text::{fold, is_cjk, without_accents};

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
    while words.len() > 1 && words.last().is_some_and(|word| LEGAL_FORMS.contains(word)) {
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
    without_accents(&fold(name))
        .replace('&', " and ")
        .chars()
        .filter(|c| !matches!(c, '.' | '\'' | '’'))
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect()
}

/// Last words of Latin names that tell the form, not the company.
const LEGAL_FORMS: &[&str] = &[
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "co",
    "company",
    "companies",
    "ltd",
    "limited",
    "coltd",
    "llc",
    "llp",
    "lp",
    "plc",
    "pllc",
    "pc",
    "group",
    "holding",
    "holdings",
    "gmbh",
    "mbh",
    "ag",
    "kg",
    "kgaa",
    "ohg",
    "ug",
    "se",
    "ev",
    "sa",
    "sas",
    "sasu",
    "sarl",
    "sl",
    "slu",
    "srl",
    "spa",
    "sapi",
    "sab",
    "cv",
    "de",
    "ltda",
    "eireli",
    "lda",
    "bv",
    "nv",
    "vof",
    "ab",
    "as",
    "asa",
    "aps",
    "oy",
    "oyj",
    "kk",
    "gk",
    "pty",
    "pte",
    "pvt",
    "private",
    "sdn",
    "bhd",
    "tbk",
    "jsc",
    "ojsc",
    "pjsc",
    "ooo",
    "oao",
    "zao",
    "doo",
    "dd",
    "sro",
    "zoo",
    "sp",
    "z",
    "kft",
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
