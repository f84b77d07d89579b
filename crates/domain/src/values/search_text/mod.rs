//! Text prepared for the full-text index, and questions prepared to meet it.
//!
//! The engines only store tokens and compare them, whole or by prefix; all knowledge of language is here, so that SQLite
//! and PostgreSQL find the same. A token is made of letters and digits of any script `@ . _ - + = ＃ ＆`, or is one picture; one that begins
//! with `^` is the whole of a name, address, number or code and serves to rank it, and what begins with it, first.
//!
//! | what | tokens in the index | in a question |
//! |---|---|---|
//! | words | each part, and `ACME-Tools` also joined; with signs that count (`@ . + # &`), the whole too, from each part on; umlauts also spelt out | each part by prefix; with signs that count, the whole by prefix; a lone letter as it is |
//! | Chinese, Japanese, Korean | pairs of characters, and the last character | pairs; a lone character by prefix |
//! | names | also pinyin and initials from every syllable on, and the first letter of every word | as words, without a legal form at the end |
//! | phones | every ending of three digits or more | the digits by prefix |
//! | e-mails | from (nearly) every letter of the local part on, up to the end of the address | by prefix |
mod readings;
mod signs;
mod tokens;

use signs::*;
use tokens::Tokens;

use crate::values::{email, name, text::is_cjk};

/// Distinct tokens kept of one record's titles and of its bodies; each costs index writes.
const TITLE_TOKENS: usize = 600;
const BODY_TOKENS: usize = 400;
/// A question longer than this is cut: the rest would only narrow what is found already.
const QUERY_TERMS: usize = 24;

/// The tokens of one record, sorted and without doubles. Hits in `title` rank above hits in `body`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchText {
    pub title: Vec<String>,
    pub body: Vec<String>,
}

/// What a text is decides how people will look for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A person's, an organization's or a product's name.
    Name,
    /// Any other text.
    Text,
    Email,
    Phone,
    /// A document number, tax number, external id.
    Code,
}

/// Collects the texts of one record.
#[derive(Debug)]
pub struct Indexer {
    title: Tokens,
    body: Tokens,
}

impl Default for Indexer {
    fn default() -> Self {
        Indexer { title: Tokens::at_most(TITLE_TOKENS), body: Tokens::at_most(BODY_TOKENS) }
    }
}

impl Indexer {
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on from what has been collected.
    pub fn of(text: SearchText) -> Self {
        let mut indexer = Self::default();
        indexer.title.set.extend(text.title);
        indexer.body.set.extend(text.body);
        indexer
    }

    /// What the record is called or reached by.
    pub fn title(&mut self, kind: Kind, text: &str) {
        for text in forms(kind, text) {
            if kind != Kind::Text {
                self.title.whole(kind, &text);
            }
            self.title.value(kind, &text);
        }
    }

    /// What else is said about it.
    pub fn body(&mut self, kind: Kind, text: &str) {
        for text in forms(kind, text) {
            self.body.value(kind, &text);
        }
    }

    pub fn finish(self) -> SearchText {
        SearchText { title: self.title.set.into_iter().collect(), body: self.body.set.into_iter().collect() }
    }
}

/// The forms in which a value is to be found.
fn forms(kind: Kind, text: &str) -> Vec<String> {
    match kind {
        Kind::Name | Kind::Text => spellings(text),
        Kind::Email => [Some(prepare(text)), email::in_ascii(text)].into_iter().flatten().collect(),
        Kind::Phone | Kind::Code => vec![prepare(text)],
    }
}

/// A question: a record meets it when **every** term is in its title or its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// The token a record has in its title if the question is the whole of its name, address, number or code.
    pub exact: Option<String>,
    /// The beginning of such a token, where the question is enough to be one.
    pub begins: Option<String>,
    pub terms: Vec<Term>,
    /// Whether only titles are searched, as for somebody from whom part of the rest is hidden.
    pub titles_only: bool,
}

/// One token that has to be there: as it is, or as the beginning of a longer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    pub token: String,
    pub prefix: bool,
}

impl Query {
    /// A question for records that have all of the terms in their titles.
    pub fn of_titles(terms: impl IntoIterator<Item = Term>) -> Query {
        Query { terms: terms.into_iter().collect(), titles_only: true, ..Query::default() }
    }

    /// Nothing to search for (only blanks and punctuation were typed): such a question finds nothing.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The in-memory twin of the SQL.
    pub fn matches(&self, text: &SearchText) -> bool {
        let meets = |term: &Term| term.is_in(&text.title) || (!self.titles_only && term.is_in(&text.body));
        !self.is_empty() && self.terms.iter().all(meets)
    }
}

impl Term {
    fn is_in(&self, sorted: &[String]) -> bool {
        let at = sorted.partition_point(|token| *token < self.token);
        sorted.get(at).is_some_and(|token| if self.prefix { token.starts_with(&self.token) } else { *token == self.token })
    }
}

/// What a person typed into the search box, as terms.
pub fn query_terms(q: &str) -> Query {
    let text = prepare(q);
    let is_lone = |token: &str| token.chars().filter(|c| c.is_alphanumeric()).count() < 2 && !token.contains(is_cjk);
    // Companies meet whatever their legal form: 华为公司 asks for 华为. X Corp. is told by its form alone from all that begins with X.
    let text = name::without_legal_form(&text).filter(|proper| !is_lone(proper)).unwrap_or(&text);
    let exact = whole_token(text);
    let begins = exact.clone().filter(|token| !is_lone(token));
    let mut query = Query { exact, begins, terms: Vec::new(), titles_only: false };
    if let Some(digits) = number_of(text) {
        query.ask(&digits, !is_lone(&digits));
        return query;
    }
    for run in runs(text) {
        match run {
            Run::Picture(picture) => query.ask(&picture.to_string(), false),
            Run::Cjk(run) => match run.as_slice() {
                [only] => query.ask(&only.to_string(), true),
                many => pairs(many).for_each(|pair| query.ask(&pair, false)),
            },
            Run::Word(word) if is_signed(word) => query.ask(word, true),
            Run::Word(word) => parts(word).for_each(|(_, part)| query.ask(part, true)),
        }
    }
    // A lone letter begins too much: the number of every record, for one.
    if let [only] = query.terms.as_mut_slice()
        && is_lone(text)
        && !is_signed(&only.token)
    {
        only.prefix = false;
    }
    query
}

impl Query {
    fn ask(&mut self, token: &str, prefix: bool) {
        let term = Term { token: cut(token), prefix };
        if !term.token.is_empty() && self.terms.len() < QUERY_TERMS && !self.terms.contains(&term) {
            self.terms.push(term);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        readings::{SURNAMES, WORDS},
        *,
    };
    use proptest::prelude::*;

    fn indexed(kind: Kind, text: &str) -> SearchText {
        let mut indexer = Indexer::new();
        indexer.title(kind, text);
        indexer.finish()
    }

    fn finds(kind: Kind, text: &str, q: &str) -> bool {
        query_terms(q).matches(&indexed(kind, text))
    }

    fn all_find(kind: Kind, text: &str, questions: &[&str]) {
        for q in questions {
            assert!(finds(kind, text, q), "{q:?} in {text:?}: {:?} against {:?}", query_terms(q), indexed(kind, text));
        }
    }

    #[test]
    fn words_are_found_by_their_beginnings() {
        all_find(Kind::Name, "Huawei Technologies", &["huaw", "HUAWEI", "tech hua", "ｈｕａｗｅｉ"]);
        all_find(Kind::Name, "ACME-Tools", &["acme", "tools", "acmetools", "acme-tools", "ACME-T"]);
        all_find(Kind::Name, "O'Brien & José GmbH", &["obrien", "o'brien", "brien", "jose", "JOSÉ"]);
        all_find(Kind::Text, "see www.example.com/docs, version 3.5", &["www.exam", "example.com", "docs", "3.5"]);
        assert!(!finds(Kind::Name, "Huawei", "uawei"));
        assert!(!finds(Kind::Name, "Huawei", "huawei cloud"));
    }

    #[test]
    fn signs_tell_words_apart() {
        for (text, found, missed) in [
            ("C++ developer", &["C++", "c", "developer c++", "C+"][..], &["C#", "c++11", ".c"][..]),
            ("C# and F#", &["c#", "F#", "C", "Ｃ＃"], &["C++", "d#"]),
            (".NET Core", &[".net", ".NET core", "net", "NET Core"], &["c.net", "net.core"]),
            ("ASP.NET", &[".net", "asp.net", "asp"], &["net.asp"]),
            ("AT&T", &["AT&T", "at&t", "at & t", "at"], &["ATT&T", "at&b"]),
            ("AT & T", &["AT&T", "AT & T"], &["A&T"]),
            ("Procter & Gamble", &["procter&gamble", "Procter & Gamble", "procter gamble"], &["procter+gamble"]),
            ("Launch 🚀 party 👍🏽", &["🚀", "launch 🚀", "👍"], &["🎉", "party 🎉"]),
            ("Netflix", &["net"], &[".net"]),
        ] {
            for kind in [Kind::Name, Kind::Text] {
                all_find(kind, text, found);
                for q in missed {
                    assert!(!finds(kind, text, q), "{q:?} in {text:?}: {:?}", query_terms(q));
                }
            }
        }
    }

    #[test]
    fn a_lone_letter_asks_for_names_that_begin_with_it() {
        assert!(
            !finds(Kind::Code, "C-000042", "c") && finds(Kind::Code, "C-000042", "c-0") && finds(Kind::Code, "C-000042", "42")
        );
        all_find(Kind::Name, "Vitamin Chen", &["v", "c", "C"]);
        all_find(Kind::Name, "华为技术", &["h", "w", "华"]);
        assert!(!finds(Kind::Phone, "+8613800138000", "1") && !finds(Kind::Name, "Huawei", "u"));
        assert!(finds(Kind::Name, "X Corporation", "X Corp.") && !finds(Kind::Name, "Xiaomi", "X Corp."));
        all_find(Kind::Email, "ap'p0##0@example.com", &["p'p"]);
        all_find(Kind::Email, "_aa-bV@example.com", &["a-bV"]);
    }

    #[test]
    fn spellings_meet() {
        for (one, other) in [("Müller", "Mueller"), ("Søren", "Soeren"), ("Straße", "Strasse"), ("İstanbul", "istanbul")] {
            for kind in [Kind::Name, Kind::Text] {
                all_find(kind, one, &[one, other]);
                all_find(kind, other, &[one, other]);
            }
        }
        all_find(Kind::Name, "Müller", &["muller", "MULLER", "mueller"]);
        all_find(Kind::Name, "華為技術", &["华为", "華為", "huawei"]);
        all_find(Kind::Name, "台湾银行", &["臺灣", "臺灣銀行", "taiwanyinhang"]);
        all_find(Kind::Name, "吕布", &["lvbu", "lubu", "lyubu", "lü bu", "吕布"]);
        all_find(Kind::Email, "li@例子.公司", &["例子", "li@例子", "xn--fsqu00a", "li@xn--fsqu00a.xn--55qx5d"]);
    }

    #[test]
    fn companies_meet_without_their_legal_form() {
        all_find(Kind::Name, "华为技术有限公司", &["华为公司", "华为技术", "华为技术有限公司"]);
        all_find(Kind::Name, "华为", &["华为公司", "华为有限公司"]);
        all_find(
            Kind::Name,
            "Kingsway Trading Limited",
            &["Kingsway Trading Ltd.", "kingsway trading co., ltd", "Kingsway Trading"],
        );
        all_find(Kind::Name, "Kingsway Trading Ltd.", &["Kingsway Trading Ltd.", "kingsway ltd"]);
        for (name, q) in [
            ("华为技术有限公司", "华为技术"),
            ("华为技术", "华为技术有限公司"),
            ("Kingsway Trading Inc", "Kingsway Trading Ltd."),
        ] {
            assert!(indexed(Kind::Name, name).title.contains(&query_terms(q).exact.unwrap()), "{name} {q}");
        }
        assert!(finds(Kind::Name, "Limited", "limited") && finds(Kind::Name, "有限公司", "有限公司"));
    }

    #[test]
    fn what_a_name_begins_with_is_marked() {
        for (name, q) in [("华为技术", "华为"), ("华为技术", "huawei"), ("Acme Tools", "acme to"), ("Mueller", "Müll")]
        {
            let begins = query_terms(q).begins.unwrap();
            assert!(indexed(Kind::Name, name).title.iter().any(|token| token.starts_with(&begins)), "{name} {q}");
        }
        assert_eq!(query_terms("a").begins, None);
        assert_eq!(query_terms("华").begins.as_deref(), Some("^华"));
    }

    #[test]
    fn chinese_names_are_found_by_characters_and_pinyin() {
        all_find(
            Kind::Name,
            "华为技术",
            &["华", "术", "为技", "华为技术", "huawei", "jishu", "weijishu", "hw", "hwjs", "js", "hua wei", "华为 js"],
        );
        assert!(!finds(Kind::Name, "华为技术", "华术"));
        all_find(Kind::Name, "北京（华为）有限公司", &["北京华为", "（华为）", "beijinghuawei"]);
        all_find(Kind::Name, "张 三", &["张三", "zhangsan", "zs"]);
        all_find(Kind::Name, "吕布", &["lvbu", "lb"]);
    }

    #[test]
    fn characters_with_two_readings_are_found_by_the_right_one() {
        for (name, q) in [
            ("单雄信", "shanxiong"),
            ("单位", "danwei"),
            ("曾国藩", "zengguo"),
            ("解放", "jiefang"),
            ("解缙", "xiejin"),
            ("尉迟恭", "yuchigong"),
            ("长孙无忌", "zhangsunwuji"),
            ("重庆银行", "chongqingyinhang"),
            ("重庆银行", "cqyh"),
            ("中国工商银行", "yinhang"),
            ("长城汽车", "changcheng"),
            ("陕西延长石油", "sxycsy"),
            ("三一重工", "zhonggong"),
            ("成都都市传媒", "chengdudushichuanmei"),
        ] {
            assert!(finds(Kind::Name, name, q), "{q} in {name}: {:?}", indexed(Kind::Name, name).title);
        }
        let words = WORDS.iter().chain(SURNAMES);
        assert!(words.clone().all(|(word, spoken)| word.chars().count() == spoken.split(' ').count()));
    }

    #[test]
    fn phones_are_found_by_any_three_digits() {
        let questions = ["138 0013 8000", "+86-138", "0086 138", "13800138000", "8000", "(0)138", "＋８６ １３８"];
        all_find(Kind::Phone, "+8613800138000", &questions);
        all_find(Kind::Phone, "+861062558888", &["010-6255 8888", "(010) 6255", "62558888", "10 6255"]);
        all_find(Kind::Phone, "+862112345678;ext=801", &["021-12345678", "801"]);
        all_find(Kind::Text, "call 138 0013 8000 at noon", &["13800138000", "138 0013 8000", "0013"]);
        assert!(!finds(Kind::Phone, "+8613800138000", "139"));
    }

    #[test]
    fn addresses_are_found_by_any_part() {
        let address = "Zhang.Wei+crm@mail.my-shop.com";
        all_find(
            Kind::Email,
            address,
            &[
                "zhang",
                "wei",
                "ang.wei",
                "crm@m",
                "zhang.wei+crm@mail.my-shop.com",
                "my-shop.com",
                "my-shop",
                "shop",
                "@mail.my",
                "com",
            ],
        );
        assert!(!finds(Kind::Email, address, "li@mail"));
    }

    #[test]
    fn codes_are_found_by_their_end() {
        all_find(Kind::Code, "SO-2024-0012", &["so-2024", "0012", "SO20240012", "2024-0012", "40012"]);
    }

    #[test]
    fn a_question_may_mix_everything() {
        let mut indexer = Indexer::new();
        indexer.title(Kind::Name, "华为技术有限公司");
        indexer.title(Kind::Phone, "+8613800138000");
        indexer.body(Kind::Text, "met at the Huawei fair");
        let text = indexer.finish();
        assert!(query_terms("华为 huawei 138").matches(&text));
        assert!(query_terms("华为fair").matches(&text));
        assert!(!query_terms("华为 huawei 139").matches(&text));
        assert!(!query_terms("，!?").matches(&text));
    }

    #[test]
    fn the_whole_value_is_marked() {
        for (kind, value, q) in [
            (Kind::Name, "Acme Tools", "ACME TOOLS"),
            (Kind::Name, "华为 技术", "华为技术"),
            (Kind::Email, "a.b@c.de", "A.B@c.de"),
            (Kind::Phone, "+8613800138000", "138 0013 8000"),
            (Kind::Phone, "+8613800138000", "+86 138 0013 8000"),
            (Kind::Phone, "+861062558888", "010-62558888"),
            (Kind::Code, "2024-0012", "2024 0012"),
        ] {
            let exact = query_terms(q).exact.unwrap();
            assert!(indexed(kind, value).title.contains(&exact), "{exact}");
        }
        assert_eq!(query_terms(" . ").exact, None);
    }

    #[test]
    fn texts_stay_small() {
        let mut indexer = Indexer::new();
        let long: String = (0..5000).map(|i| format!("word{i} ")).collect();
        indexer.body(Kind::Text, &long);
        indexer.body(Kind::Text, &"x".repeat(500));
        let text = indexer.finish();
        assert!(text.body.len() <= BODY_TOKENS);
        assert!(indexed(Kind::Name, "北京华为数字技术有限公司").title.len() <= 60);
        assert!(indexed(Kind::Phone, "+8613800138000").title.len() <= 20);
    }

    fn is_whole_token(token: &str) -> bool {
        let rest = token.strip_prefix('^').unwrap_or(token);
        let is_clean = |c: char| c.is_alphanumeric() || is_joint(c) || is_picture(c);
        !rest.is_empty() && token.chars().count() <= TOKEN_CHARS && rest.chars().all(is_clean)
    }

    /// At least `shortest` characters of a text, where and how many told by two numbers between 0 and 1.
    fn slice(text: &str, shortest: usize, from: f64, length: f64) -> String {
        let chars: Vec<char> = text.chars().collect();
        let share = |of: usize, part: f64| (part * (of + 1) as f64) as usize;
        let start = share(chars.len() - shortest, from);
        let end = start + shortest + share(chars.len() - start - shortest, length);
        chars[start..end].iter().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

        #[test]
        fn any_beginning_of_a_word_finds_the_name(
            name in "[a-zA-Z0-9éß.&'()/@_+\\-]{1,10}( [a-zA-Z0-9Ωç.&'()/@_+\\-]{1,10}){0,4}", at in 0usize..5, length in 0.0..1.0f64,
        ) {
            let words: Vec<&str> = name.split(' ').collect();
            let q = slice(words[at % words.len()], 1, 0.0, length);
            prop_assume!(q.contains(char::is_alphanumeric));
            prop_assert!(finds(Kind::Name, &name, &q), "{q:?} {:?} {:?}", query_terms(&q), indexed(Kind::Name, &name));
            let is_lone = query_terms(&q).terms.iter().any(|term| !term.prefix);
            prop_assert!(is_lone || finds(Kind::Text, &name, &q));
        }

        #[test]
        fn any_part_of_a_chinese_name_finds_it(name in "[一-龥]{1,30}", from in 0.0..1.0f64, length in 0.0..1.0f64) {
            prop_assert!(finds(Kind::Name, &name, &slice(&name, 1, from, length)));
        }

        #[test]
        fn any_three_digits_of_a_phone_find_it(phone in "\\+[1-9][0-9]{6,14}", from in 0.0..1.0f64, length in 0.0..1.0f64) {
            let q = slice(&phone[1..], 3, from, length);
            prop_assert!(finds(Kind::Phone, &phone, &q));
        }

        #[test]
        fn any_three_characters_of_a_local_part_find_the_address(
            local in "[a-z0-9A-Z!#+._'-]{3,14}", from in 0.0..1.0f64, length in 0.0..1.0f64,
        ) {
            let q = slice(&local, 3, from, length);
            // A lone letter asks for names that begin with it.
            prop_assume!(q.chars().filter(|c| c.is_alphanumeric()).count() > 1);
            let address = format!("{local}@example.com");
            prop_assert!(finds(Kind::Email, &address, &q), "{q:?} {:?} {:?}", query_terms(&q), indexed(Kind::Email, &address));
        }

        #[test]
        fn nothing_panics_and_every_token_is_clean(text in any::<String>(), mixed in "[a-zé华为0-9 @.+'\"()\\-:^，]{0,40}") {
            for text in [&text, &mixed] {
                for kind in [Kind::Name, Kind::Text, Kind::Email, Kind::Phone, Kind::Code] {
                    let mut indexer = Indexer::new();
                    indexer.title(kind, text);
                    indexer.body(kind, text);
                    let made = indexer.finish();
                    prop_assert!(made.title.iter().chain(&made.body).all(|t| is_whole_token(t)), "{made:?}");
                    prop_assert!(made.title.is_sorted() && made.body.is_sorted());
                }
                let query = query_terms(text);
                prop_assert!(query.terms.iter().all(|t| is_whole_token(&t.token)) && query.exact.iter().all(|t| is_whole_token(t)));
            }
        }
    }
}
