//! Where the quotation begins in a message: mail programs put the message that is answered below the answer, each in its own way. The
//! text is only ever cut in two, and where that would leave nothing of it, or where answers stand between what is quoted, it is left
//! whole.

/// Lines of headers with which Outlook and others begin a quotation, before the colon.
const SENDER: &[&str] = &["from", "von", "发件人", "寄件者"];
const HEADERS: &[&str] = &[
    "from",
    "sent",
    "date",
    "to",
    "cc",
    "subject",
    "von",
    "发件人",
    "寄件者",
    "发送时间",
    "发送日期",
    "日期",
    "时间",
    "收件人",
    "抄送",
    "主题",
];
/// What lines of dashes say that come before the message answered. What is forwarded is what its sender wants read.
const ORIGINAL: &[&str] = &["original message", "原始邮件", "邮件原件", "回复的原邮件", "原邮件"];
/// How the line ends that tells whose words follow.
const WROTE: &[&str] = &["wrote:", "写道：", "写道:", "寫道：", "寫道:"];
/// How many lines such a line may be broken into.
const BROKEN: usize = 3;
/// How many of the first lines of a quotation are looked at for headers, and how many there must be.
const LOOKED_AT: usize = 8;
const ENOUGH: usize = 3;

/// Where the quotation begins, in bytes; none if there is none.
#[must_use]
pub fn begin(text: &str) -> Option<usize> {
    let lines = lines(text);
    let last = |is: fn(&str) -> bool| lines.iter().rposition(|(_, line)| is(line));
    let ends = Ends { own: last(|line| !line.is_empty() && !line.starts_with('>')), quoted: last(|line| line.starts_with('>')) };
    let place = (0..lines.len()).find(|place| begins(&lines, &ends, *place))?;
    let (at, _) = lines[place];
    (!text[..at].trim().is_empty()).then_some(at)
}

/// The last lines of both kinds: those that are quoted by a sign before them, and those that are not.
struct Ends {
    own: Option<usize>,
    quoted: Option<usize>,
}

impl Ends {
    /// Whether anything from a line on is not quoted by a sign before it.
    fn has_own(&self, place: usize) -> bool {
        self.own.is_some_and(|own| own >= place)
    }

    /// Whether there are words between what is quoted from a line on.
    fn is_answered_between(&self, place: usize) -> bool {
        self.quoted.is_some_and(|quoted| quoted >= place) && self.has_own(place)
    }
}

/// The lines of a text with the places where they begin.
fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let begun = at;
            at += line.len();
            (begun, line.trim())
        })
        .collect()
}

fn begins(lines: &[(usize, &str)], ends: &Ends, place: usize) -> bool {
    let line = lines[place].1;
    is_original(line)
        || (is_sender(line) && has_headers(lines, place))
        || (is_rule(line) && next(lines, place).is_some_and(|next| is_sender(lines[next].1) && has_headers(lines, next)))
        || attribution(lines, place).is_some_and(|end| !ends.is_answered_between(end + 1))
        || (line.starts_with('>') && !ends.has_own(place))
}

/// `-----Original Message-----`, `------------------ 原始邮件 ------------------`.
fn is_original(line: &str) -> bool {
    let said = line.trim_matches(|c: char| matches!(c, '-' | '—' | '_' | '=' | '*') || c.is_whitespace());
    let framed = line.starts_with(['-', '—', '_', '=']) && line.ends_with(['-', '—', '_', '=']);
    framed && ORIGINAL.contains(&said.to_lowercase().as_str())
}

/// A line across the page.
fn is_rule(line: &str) -> bool {
    line.chars().count() >= 5 && line.chars().all(|c| matches!(c, '_' | '-' | '—' | '='))
}

/// The name of the header that a line is; some programs set it in bold.
fn header(line: &str) -> Option<String> {
    let line = line.trim_start_matches(['*', '>', ' ']);
    let (name, _) = line.split_once([':', '：'])?;
    let name: String = name.trim_matches(['*', ' ']).chars().filter(|c| !c.is_whitespace()).collect();
    (name.chars().count() <= 8).then(|| name.to_lowercase())
}

fn is_sender(line: &str) -> bool {
    header(line).is_some_and(|name| SENDER.contains(&name.as_str()))
}

fn has_headers(lines: &[(usize, &str)], place: usize) -> bool {
    let known = |line: &str| header(line).is_some_and(|name| HEADERS.contains(&name.as_str()));
    lines[place..].iter().filter(|(_, line)| !line.is_empty()).take(LOOKED_AT).filter(|(_, line)| known(line)).count() >= ENOUGH
}

/// The next line that is not blank.
fn next(lines: &[(usize, &str)], place: usize) -> Option<usize> {
    (place + 1..lines.len()).find(|next| !lines[*next].1.is_empty())
}

/// Where a line that tells whose words follow ends, if one begins here: `On Sun, 1 Mar 2026 at 08:00, Li Wei <li@example.cn> wrote:`,
/// `李伟 <li@example.cn> 于2026年3月1日周日 08:00写道：`, `在 2026年3月1日，上午8:00，李伟 写道：`.
fn attribution(lines: &[(usize, &str)], place: usize) -> Option<usize> {
    let first = lines[place].1;
    let opens = first.starts_with("On ") || first.starts_with('在') || first.starts_with("Am ") || first.starts_with("Le ");
    for end in place..lines.len().min(place + BROKEN) {
        let line = lines[end].1;
        if line.is_empty() || line.starts_with('>') {
            return None;
        }
        if WROTE.iter().any(|wrote| line.ends_with(wrote)) {
            let all = || lines[place..=end].iter().map(|(_, line)| *line);
            let has_digits = all().any(|line| line.chars().any(|c| c.is_ascii_digit()));
            let has_address = all().any(|line| line.contains('@'));
            // In one line the name may come first.
            let named = has_address || first.contains('于') || first.contains('於');
            // A sentence of the writer's own can look like it: what is quoted is marked, or its writer's address is there.
            let marked = has_address || next(lines, end).is_some_and(|next| lines[next].1.starts_with('>'));
            return (has_digits && marked && (opens || (end == place && named))).then_some(end);
        }
        if !opens && !first.contains('@') {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GMAIL: &str =
        "请尽快发货。\n\n李伟\n\n王芳 <wang@example.cn> 于2026年3月1日周日 08:00写道：\n\n> 您好，\n> 已收到订单。\n";
    const GMAIL_BROKEN: &str = "Thanks!\n\nOn Sun, Mar 1, 2026 at 8:00 AM Wang Fang <wang.fang@service.example.cn>\nwrote:\n\n> Hello,\n> we ship today.\n";
    const APPLE: &str = "It works now.\n\nSent from my iPhone\n\n> On 1 Mar 2026, at 08:00, Wang Fang <wang@example.cn> wrote:\n> \n> Please try again.\n";
    const APPLE_ZH: &str = "好的。\n\n> 在 2026年3月1日，上午8:00，王芳 <wang@example.cn> 写道：\n> \n> 请再试一次。";
    const OUTLOOK: &str = "Still broken.\n\n________________________________\nFrom: Wang Fang <wang@example.cn>\nSent: Sunday, March 1, 2026 8:00 AM\nTo: Li Wei <li@example.cn>\nSubject: RE: Printer\n\nPlease restart it.\n";
    const OUTLOOK_ZH: &str = "还是不行。\n\n发件人: 王芳 <wang@example.cn>\n发送时间: 2026年3月1日 8:00\n收件人: 李伟 <li@example.cn>\n主题: 答复: 打印机\n\n请重启。\n";
    const OUTLOOK_OLD: &str = "No.\n\n-----Original Message-----\nFrom: Wang Fang\nSent: 1 March\n\nReady?";
    const QQ: &str = "已付款，请查收。\n\n\n------------------ 原始邮件 ------------------\n发件人: \"王芳\" <wang@example.cn>;\n发送时间: 2026年3月1日(星期天) 上午8:00\n收件人: \"李伟\"<li@example.cn>;\n主题: 付款\n\n请付款。";
    const NETEASE: &str = "收到。\n\n在 2026-03-01 08:00:00，\"王芳\" <wang@example.cn> 写道：\n\n请确认。";

    #[test]
    fn each_program_has_its_way() {
        for (text, reply) in [
            (GMAIL, "请尽快发货。\n\n李伟\n\n"),
            (GMAIL_BROKEN, "Thanks!\n\n"),
            (APPLE, "It works now.\n\nSent from my iPhone\n\n"),
            (APPLE_ZH, "好的。\n\n"),
            (OUTLOOK, "Still broken.\n\n"),
            (OUTLOOK_ZH, "还是不行。\n\n"),
            (OUTLOOK_OLD, "No.\n\n"),
            (QQ, "已付款，请查收。\n\n\n"),
            (NETEASE, "收到。\n\n"),
            ("Yes\r\n\r\n> No?\r\n", "Yes\r\n\r\n"),
        ] {
            assert_eq!(begin(text).map(|at| &text[..at]), Some(reply), "{text}");
        }
    }

    #[test]
    fn what_is_ones_own_stays() {
        for text in [
            "",
            "Hello",
            // Nothing would be left.
            "> quoted\n> only",
            "-----Original Message-----\nFrom: A\nTo: B\nSubject: C",
            // Answers between the lines.
            "See below.\n\nOn 1 March 2026, Wang <w@example.cn> wrote:\n> Is it on?\nYes.\n> Does it print?\nNo.",
            "First:\n> a question\nand more words",
            // Sentences.
            "On Monday at 8 he wrote:\nnothing",
            "I asked on 3 March. On 5 March you wrote:\nit is on its way. It is not.",
            "From: Shanghai\nThe printer is from there.",
            "他在2026年写道",
            "Menu:\n-----\nFrom here to there",
            // What is forwarded is to be read.
            "FYI\n\n---------- Forwarded message ---------\nthe text",
        ] {
            assert_eq!(begin(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_only_cut_in_two(parts in proptest::collection::vec(0_usize..16, 0..12), any in "\\PC{0,40}") {
            let pieces = [
                GMAIL, GMAIL_BROKEN, APPLE, OUTLOOK, OUTLOOK_ZH, QQ, NETEASE, "\n", "> x\n", ">", "wrote:\n", "On 1 ", "写道：\n", "From: a\n", "_____\n", &any,
            ];
            let text: String = parts.iter().map(|part| pieces[*part]).collect();
            if let Some(at) = begin(&text) {
                prop_assert!(text.is_char_boundary(at) && !text[..at].trim().is_empty());
                prop_assert_eq!([&text[..at], &text[at..]].concat(), text);
            }
        }

        #[test]
        fn no_text_is_too_strange(text in "\\PC*") {
            prop_assert!(begin(&text).is_none_or(|at| text.is_char_boundary(at) && at < text.len() + 1));
        }
    }
}
