//! Text prepared for the full-text index, and questions prepared to meet it.
//!
//! The engines only store tokens and compare them, whole or by prefix; all knowledge of language is here, so that SQLite
//! and PostgreSQL find the same. A token is made of letters and digits of any script and `@ . _ - + =`; one that begins
//! with `^` is the whole of a name, address, number or code and serves to rank it first.
//!
//! | what | tokens in the index | in a question |
//! |---|---|---|
//! | words | each part, and `ACME-Tools` also joined; with a dot or `@` inside, the whole too, from each part on | each part by prefix; with a dot or `@` inside, the whole by prefix |
//! | Chinese, Japanese, Korean | pairs of characters, and the last character | pairs; a lone character by prefix |
//! | names | also pinyin and initials from every syllable on | as words |
//! | phones | every ending of three digits or more | the digits by prefix |
//! | e-mails | from (nearly) every letter of the local part on, up to the end of the address | by prefix |

use std::collections::BTreeSet;

use pinyin::ToPinyin;

use crate::text::{fold, is_cjk, without_accents};

/// Longer tokens are cut here, in the index and in questions alike.
const TOKEN_CHARS: usize = 64;
/// Distinct tokens kept of one record's titles and of its bodies; each costs index writes.
const TITLE_TOKENS: usize = 600;
const BODY_TOKENS: usize = 400;
/// A question longer than this is cut: the rest would only narrow what is found already.
const QUERY_TERMS: usize = 24;
/// Endings kept of an e-mail's local part, beside those at its words.
const LOCAL_ENDINGS: usize = 12;
/// Endings kept of a word with signs inside (`www.example.com`), and of a run of numbers (`138 0013 8000`).
const PART_ENDINGS: usize = 8;
/// Syllables of one name that are spelt in pinyin.
const SYLLABLES: usize = 40;
/// Digits or characters that are worth a token of their own at the end of a number or code.
const SHORTEST_ENDING: usize = 3;

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

    /// What the record is called or reached by.
    pub fn title(&mut self, kind: Kind, text: &str) {
        let text = prepare(text);
        if kind != Kind::Text {
            self.title.whole(kind, &text);
        }
        self.title.value(kind, &text);
    }

    /// What else is said about it.
    pub fn body(&mut self, kind: Kind, text: &str) {
        self.body.value(kind, &prepare(text));
    }

    pub fn finish(self) -> SearchText {
        SearchText { title: self.title.set.into_iter().collect(), body: self.body.set.into_iter().collect() }
    }
}

/// A question: a record meets it when **every** term is in its title or its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// The token a record has in its title if the question is the whole of its name, address, number or code.
    pub exact: Option<String>,
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
    let mut query = Query { exact: whole_token(&text), terms: Vec::new(), titles_only: false };
    if let Some(digits) = number_of(&text) {
        query.ask(&digits, true);
        return query;
    }
    for run in runs(&text) {
        match run {
            Run::Cjk(run) => match run.as_slice() {
                [only] => query.ask(&only.to_string(), true),
                many => pairs(many).for_each(|pair| query.ask(&pair, false)),
            },
            Run::Word(word) if word.contains(['@', '.']) => query.ask(word, true),
            Run::Word(word) => parts(word).for_each(|(_, part)| query.ask(part, true)),
        }
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

#[derive(Debug)]
struct Tokens {
    set: BTreeSet<String>,
    limit: usize,
}

impl Tokens {
    fn at_most(limit: usize) -> Self {
        Tokens { set: BTreeSet::new(), limit }
    }

    fn add(&mut self, token: &str) {
        let token = cut(token);
        if token.contains(char::is_alphanumeric) && self.set.len() < self.limit {
            self.set.insert(token);
        }
    }

    /// The `^` token of the value, and for a phone those of its national forms.
    fn whole(&mut self, kind: Kind, text: &str) {
        if kind == Kind::Phone {
            for form in phone_forms(text) {
                self.add(&format!("^{form}"));
            }
        } else if let Some(token) = whole_token(text) {
            self.add(&token);
        }
    }

    fn value(&mut self, kind: Kind, text: &str) {
        match kind {
            Kind::Name => {
                self.text(text);
                self.name(text);
            }
            Kind::Text => self.text(text),
            Kind::Email => self.email(text),
            Kind::Phone => {
                for form in phone_forms(text) {
                    self.endings(&form, SHORTEST_ENDING);
                }
            }
            Kind::Code => {
                self.text(text);
                let joined: String = text.chars().filter(|c| c.is_alphanumeric()).take(TOKEN_CHARS).collect();
                // Order numbers are told by their last digits; less than four would mostly find the wrong one.
                self.endings(&joined, SHORTEST_ENDING + 1);
            }
        }
    }

    fn text(&mut self, text: &str) {
        for run in runs(text) {
            match run {
                Run::Cjk(run) => self.cjk(&run),
                Run::Word(word) => self.word(word),
            }
        }
        self.numbers(text);
    }

    fn cjk(&mut self, run: &[char]) {
        pairs(run).for_each(|pair| self.add(&pair));
        if let Some(last) = run.last() {
            self.add(&last.to_string());
        }
    }

    fn word(&mut self, word: &str) {
        let parts: Vec<(usize, &str)> = parts(word).collect();
        for (_, part) in &parts {
            self.add(part);
        }
        if parts.len() < 2 {
            return;
        }
        if word.contains(['@', '.']) {
            for (start, _) in parts.iter().take(PART_ENDINGS) {
                self.add(&word[*start..]);
            }
        }
        if !word.contains('@') {
            for first in 0..(parts.len() - 1).min(PART_ENDINGS) {
                self.add(&parts[first..].iter().map(|(_, part)| *part).collect::<String>());
            }
        }
    }

    /// Numbers written in groups (`138 0013 8000`, `(010) 6255-8888`) are asked for as one number.
    fn numbers(&mut self, text: &str) {
        for stretch in text.split(|c: char| !is_number_sign(c)) {
            let groups: Vec<&str> = digit_groups(stretch).collect();
            if groups.len() < 2 {
                continue;
            }
            for first in 0..groups.len() {
                let joined: String = groups[first..].iter().take(PART_ENDINGS).copied().collect();
                self.add(&joined);
            }
        }
    }

    fn email(&mut self, address: &str) {
        let address: String = address
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| if c.is_alphanumeric() || is_joint(c) { c } else { '-' })
            .collect();
        let Some((local, domain)) = address.rsplit_once('@') else {
            return self.text(&address);
        };
        self.add(&address);
        for start in local_starts(local) {
            self.add(&address[start..]);
        }
        // Alone, so that a question in several words meets them: the words of both sides, and the domain from each label on.
        for (_, part) in parts(local) {
            self.add(part);
        }
        for (start, part) in parts(domain) {
            self.add(part);
            self.add(&domain[start..]);
        }
        // `ab12-34@…` asked for as `2-34`, which is a number to the question.
        for stretch in local.split(|c: char| !is_number_sign(c)).filter(|s| digit_groups(s).count() > 1) {
            self.endings(&digit_groups(stretch).collect::<String>(), 1);
        }
    }

    /// Every ending of at least `shortest` characters.
    fn endings(&mut self, text: &str, shortest: usize) {
        let count = text.chars().count();
        self.add(text);
        for (start, _) in text.char_indices().take((count + 1).saturating_sub(shortest)) {
            self.add(&text[start..]);
        }
    }

    /// What only names have: pairs across blanks and punctuation (`张 三` is asked for as `张三`), and pinyin.
    fn name(&mut self, text: &str) {
        let mut run = Vec::new();
        for c in text.chars() {
            if is_cjk(c) {
                run.push(c);
            } else if c.is_alphanumeric() {
                self.name_run(&run);
                run.clear();
            }
        }
        self.name_run(&run);
    }

    fn name_run(&mut self, run: &[char]) {
        self.cjk(run);
        for spoken in run.split(|c| c.to_pinyin().is_none()) {
            let spoken = &spoken[..spoken.len().min(SYLLABLES)];
            let usual: Vec<&str> = spoken.iter().filter_map(|c| c.to_pinyin()).map(|p| p.plain()).collect();
            let known = known_readings(spoken, &usual);
            self.spell(&usual);
            if known != usual {
                self.spell(&known);
            }
        }
    }

    fn spell(&mut self, syllables: &[&str]) {
        for start in 0..syllables.len() {
            // Keyboards have no ü and input methods take v for it.
            self.add(&syllables[start..].concat().replace('ü', "v"));
            let initials: String = syllables[start..].iter().filter_map(|s| s.chars().next()).collect();
            // A single initial is the beginning of its syllable, which is there already.
            if initials.len() > 1 {
                self.add(&initials);
            }
        }
    }
}

/// The readings of a run of characters, with those corrected that a dictionary of single characters gets wrong.
fn known_readings<'a>(run: &[char], usual: &[&'a str]) -> Vec<&'a str>
where
    'static: 'a,
{
    let mut readings = usual.to_vec();
    let mut at = 0;
    while at < run.len() {
        let surname = if at == 0 { SURNAMES } else { &[] };
        let found = WORDS.iter().chain(surname).find(|(word, _)| starts_with(&run[at..], word));
        let Some((_, spoken)) = found else {
            at += 1;
            continue;
        };
        for syllable in spoken.split(' ') {
            if let Some(reading) = readings.get_mut(at) {
                *reading = syllable;
            }
            at += 1;
        }
    }
    readings
}

fn starts_with(run: &[char], word: &str) -> bool {
    let mut run = run.iter();
    word.chars().all(|c| run.next() == Some(&c))
}

/// Words that names of companies, places and people are made of, in which a character is not read as it usually is.
/// Longer ones first where one begins another.
const WORDS: &[(&str, &str)] = &[
    // compound surnames
    ("尉迟", "yu chi"),
    ("长孙", "zhang sun"),
    ("单于", "chan yu"),
    ("万俟", "mo qi"),
    ("澹台", "tan tai"),
    // places
    ("重庆", "chong qing"),
    ("厦门", "xia men"),
    ("六安", "lu an"),
    ("六合", "lu he"),
    ("蚌埠", "beng bu"),
    ("番禺", "pan yu"),
    ("东莞", "dong guan"),
    ("台州", "tai zhou"),
    ("乐清", "yue qing"),
    ("乐亭", "lao ting"),
    ("乐陵", "lao ling"),
    ("西藏", "xi zang"),
    ("朝阳", "chao yang"),
    ("牟平", "mu ping"),
    ("铅山", "yan shan"),
    ("大埔", "da bu"),
    ("黄埔", "huang pu"),
    ("十堰", "shi yan"),
    ("洪洞", "hong tong"),
    ("浚县", "xun xian"),
    ("吐鲁番", "tu lu fan"),
    ("长子县", "zhang zi xian"),
    // companies
    ("银行", "yin hang"),
    ("商行", "shang hang"),
    ("分行", "fen hang"),
    ("支行", "zhi hang"),
    ("车行", "che hang"),
    ("药行", "yao hang"),
    ("洋行", "yang hang"),
    ("行业", "hang ye"),
    ("音乐", "yin yue"),
    ("乐器", "yue qi"),
    ("乐团", "yue tuan"),
    ("会计", "kuai ji"),
    ("重工", "zhong gong"),
    ("重型", "zhong xing"),
    ("重机", "zhong ji"),
    ("重汽", "zhong qi"),
    ("传媒", "chuan mei"),
    ("传播", "chuan bo"),
    ("传动", "chuan dong"),
    ("传感", "chuan gan"),
    ("调味", "tiao wei"),
    ("空调", "kong tiao"),
    ("人参", "ren shen"),
    ("宝藏", "bao zang"),
    ("弹簧", "tan huang"),
    ("大厦", "da sha"),
    ("成长", "cheng zhang"),
    ("校长", "xiao zhang"),
    ("董事长", "dong shi zhang"),
    ("生长", "sheng zhang"),
    ("家长", "jia zhang"),
    ("工行", "gong hang"),
    ("建行", "jian hang"),
    ("农行", "nong hang"),
    ("招行", "zhao hang"),
    // In all other names it is long, not elder (长城, 长江, 长安, 延长), and a city, not all (成都, 首都, 都市).
    ("长", "chang"),
    ("都", "du"),
];

/// Surnames that are not read as the character usually is. They count at the beginning of a name only, and beside the
/// usual reading, since a company may begin with the same character.
const SURNAMES: &[(&str, &str)] = &[
    ("单", "shan"),
    ("曾", "zeng"),
    ("解", "xie"),
    ("仇", "qiu"),
    ("区", "ou"),
    ("查", "zha"),
    ("盖", "ge"),
    ("朴", "piao"),
    ("重", "chong"),
    ("乐", "yue"),
    ("翟", "zhai"),
    ("覃", "qin"),
    ("召", "shao"),
    ("折", "she"),
    ("缪", "miao"),
    ("员", "yun"),
    ("种", "chong"),
    ("薄", "bo"),
    ("贾", "jia"),
    ("繁", "po"),
    ("秘", "bi"),
    ("能", "nai"),
    ("佴", "nai"),
    ("乜", "nie"),
];

/// A stretch of text that is one thing to the index.
enum Run<'a> {
    Cjk(Vec<char>),
    /// Letters and digits, with signs only between them.
    Word(&'a str),
}

/// The words and runs of a prepared text, in order.
fn runs(text: &str) -> impl Iterator<Item = Run<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(|c: char| c.is_alphanumeric())?;
        rest = &rest[start..];
        let cjk = rest.starts_with(is_cjk);
        let end = rest.find(|c: char| is_cjk(c) != cjk || !(c.is_alphanumeric() || is_joint(c))).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        Some(if cjk { Run::Cjk(run.chars().collect()) } else { Run::Word(run.trim_end_matches(is_joint)) })
    })
}

/// The parts of a word between its signs, each with where it starts.
fn parts(word: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    word.split(is_joint)
        .map(move |part| {
            let start = at;
            at += part.len() + 1; // every sign is one byte of ASCII
            (start, part)
        })
        .filter(|(_, part)| !part.is_empty())
}

fn pairs(run: &[char]) -> impl Iterator<Item = String> {
    run.windows(2).map(|pair| pair.iter().collect())
}

/// Where the endings of a local part start: at its first letters and digits, and at its words however far back.
/// No question begins with a sign.
fn local_starts(local: &str) -> impl Iterator<Item = usize> {
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
fn phone_forms(text: &str) -> Vec<String> {
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
fn country_code_len(digits: &str) -> usize {
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
fn number_of(text: &str) -> Option<String> {
    let digits = digits_of(text);
    (!digits.is_empty() && text.chars().all(is_number_sign)).then_some(digits)
}

fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn digit_groups(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty())
}

fn is_number_sign(c: char) -> bool {
    c.is_ascii_digit() || c.is_whitespace() || matches!(c, '+' | '-' | '(' | ')')
}

/// The `^` token of a whole value. No other token has that sign, it is never part of a word.
fn whole_token(text: &str) -> Option<String> {
    let whole = number_of(text).unwrap_or_else(|| text.chars().filter(|&c| c.is_alphanumeric() || is_joint(c)).collect());
    whole.contains(char::is_alphanumeric).then(|| cut(&format!("^{whole}")))
}

fn is_joint(c: char) -> bool {
    matches!(c, '@' | '.' | '_' | '-' | '+' | '=')
}

/// Folded, without accents, and with all signs that may hold a word together (`O'Brien`, `AT&T`, `24/7`) as one of them.
fn prepare(text: &str) -> String {
    without_accents(&fold(text)).chars().map(plain_sign).collect()
}

fn plain_sign(c: char) -> char {
    match c {
        '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '/' | '?' | '^' | '`' | '{' | '|' | '}' | '~' => '-',
        '\u{2010}'..='\u{2015}' | '\u{2018}' | '\u{2019}' | '\u{2212}' => '-',
        _ => c,
    }
}

fn cut(token: &str) -> String {
    match token.char_indices().nth(TOKEN_CHARS) {
        Some((end, _)) => token[..end].to_owned(),
        None => token.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert!(!finds(Kind::Name, "Huawei", "huawei ltd"));
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
        assert!(indexed(Kind::Name, "北京华为数字技术有限公司").title.len() <= 40);
        assert!(indexed(Kind::Phone, "+8613800138000").title.len() <= 20);
    }

    fn is_token(token: &str) -> bool {
        let rest = token.strip_prefix('^').unwrap_or(token);
        !rest.is_empty() && token.chars().count() <= TOKEN_CHARS && rest.chars().all(|c| c.is_alphanumeric() || is_joint(c))
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
            prop_assert!(finds(Kind::Text, &name, &q));
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
            prop_assume!(q.contains(char::is_alphanumeric));
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
                    prop_assert!(made.title.iter().chain(&made.body).all(|t| is_token(t)), "{made:?}");
                    prop_assert!(made.title.is_sorted() && made.body.is_sorted());
                }
                let query = query_terms(text);
                prop_assert!(query.terms.iter().all(|t| is_token(&t.token)) && query.exact.iter().all(|t| is_token(t)));
            }
        }
    }
}
