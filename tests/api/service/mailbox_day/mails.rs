//! The mails of the day, as mail programs of the field write them. None is anybody's: they were made up for this.

use base64::{Engine, prelude::BASE64_STANDARD};
use encoding_rs::{BIG5, GB18030, WINDOWS_1252};

/// A mail of the morning, with what the desk must find in it.
pub struct Mail {
    pub id: &'static str,
    pub raw: Vec<u8>,
    /// What stands in the text.
    pub says: &'static str,
    /// What stands in the subject.
    pub subject: &'static str,
    /// The names of the files beside the raw message.
    pub files: Vec<&'static str>,
}

fn head(from: &str, id: &str, subject: &str, more: &str) -> Vec<u8> {
    let date = "Date: Mon, 2 Mar 2026 09:00:00 +0800\r\n";
    format!(
        "From: {from}\r\nTo: support@example.cn\r\nSubject: {subject}\r\n{date}Message-ID: <{id}>\r\nMIME-Version: 1.0\r\n{more}"
    )
    .into_bytes()
}

fn with(mut head: Vec<u8>, body: impl AsRef<[u8]>) -> Vec<u8> {
    head.extend_from_slice(b"\r\n");
    head.extend_from_slice(body.as_ref());
    head
}

/// Bytes in base64, in lines as mail programs break them.
fn base64(bytes: &[u8]) -> String {
    let line = BASE64_STANDARD.encode(bytes);
    line.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line).into_owned() + "\r\n").collect()
}

fn word(charset: &str, bytes: &[u8]) -> String {
    format!("=?{charset}?B?{}?=", BASE64_STANDARD.encode(bytes))
}

fn gbk(text: &str) -> Vec<u8> {
    GB18030.encode(text).0.into_owned()
}

fn part(head: &str, body: &str) -> String {
    format!("{head}\r\n\r\n{body}\r\n")
}

fn multipart(boundary: &str, parts: &[String]) -> String {
    let mut all: String = parts.iter().map(|part| format!("--{boundary}\r\n{part}")).collect();
    all.push_str(&format!("--{boundary}--\r\n"));
    all
}

/// Requests: each opens a ticket.
pub fn morning() -> Vec<Mail> {
    let mut mails = Vec::new();
    let mut add =
        |id, raw, subject, says, files: &[&'static str]| mails.push(Mail { id, raw, says, subject, files: files.to_vec() });
    let alternative = |text: String, html: String| multipart("alt", &[text, html]);

    // Outlook: HTML of Word beside the text, a thread index.
    let outlook = alternative(
        part(
            "Content-Type: text/plain; charset=\"us-ascii\"\r\nContent-Transfer-Encoding: 7bit",
            "The plotter prints only cyan.",
        ),
        part(
            "Content-Type: text/html; charset=\"us-ascii\"\r\nContent-Transfer-Encoding: quoted-printable",
            "<html xmlns:o=3D\"urn:schemas-microsoft-com:office:office\"><head><style>p.MsoNormal{margin:0cm}</style></head><body lang=3DEN-GB>\
             <div class=3DWordSection1><p class=3DMsoNormal>The plotter prints only cyan.<o:p></o:p></p></div></body></html>",
        ),
    );
    let more = "Thread-Index: AdqX1h2m0Y0=\r\nThread-Topic: Plotter\r\nX-Mailer: Microsoft Outlook 16.0\r\nContent-Type: multipart/alternative; boundary=\"alt\"\r\n";
    add(
        "outlook@x",
        with(head("Anna Berg <anna@berg.example>", "outlook@x", "Plotter", more), outlook),
        "Plotter",
        "prints only cyan",
        &[],
    );

    // Gmail: UTF-8 in base64.
    let gmail = alternative(
        part(
            "Content-Type: text/plain; charset=\"UTF-8\"\r\nContent-Transfer-Encoding: base64",
            &base64("打印机无法开机，请尽快处理。".as_bytes()),
        ),
        part(
            "Content-Type: text/html; charset=\"UTF-8\"\r\nContent-Transfer-Encoding: base64",
            &base64("<div dir=\"ltr\">打印机无法开机，请尽快处理。</div>".as_bytes()),
        ),
    );
    let from = format!("{} <fang@gmail.example>", word("UTF-8", "王芳".as_bytes()));
    let subject = word("UTF-8", "打印机".as_bytes());
    let more = "Content-Type: multipart/alternative; boundary=\"alt\"\r\n";
    add("gmail@x", with(head(&from, "gmail@x", &subject, more), gmail), "打印机", "打印机无法开机，请尽快处理。", &[]);

    // QQ Mail: GB18030 in base64, both parts.
    let qq = alternative(
        part(
            "Content-Type: text/plain; charset=\"gb18030\"\r\nContent-Transfer-Encoding: base64",
            &base64(&gbk("扫描仪无法连接，朱镕基路8号，喆先生")),
        ),
        part(
            "Content-Type: text/html; charset=\"gb18030\"\r\nContent-Transfer-Encoding: base64",
            &base64(&gbk("<div>扫描仪无法连接，朱镕基路8号，喆先生</div>")),
        ),
    );
    let from = format!("\"{}\" <10042@qq.example>", word("gb18030", &gbk("李伟")));
    let subject = word("gb18030", &gbk("扫描仪"));
    let more = "X-QQ-mid: bizesmtp1\r\nX-QQ-SENDSIZE: 520\r\nX-Mailer: QQMail 2.x\r\nContent-Type: multipart/alternative; boundary=\"alt\"\r\n";
    add("qq@x", with(head(&from, "qq@x", &subject, more), qq), "扫描仪", "朱镕基路8号，喆先生", &[]);

    // Apple Mail: text, picture, text.
    let apple = multipart(
        "Apple-Mail=_1",
        &[
            part("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit", "Before the picture"),
            part(
                "Content-Type: image/png; name=screen.png\r\nContent-Disposition: inline; filename=screen.png\r\nContent-Transfer-Encoding: base64",
                "iVBORw0KGgo=",
            ),
            part(
                "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit",
                "after the picture.\r\n\r\nSent from my iPhone",
            ),
        ],
    );
    let more = "X-Mailer: Apple Mail (2.3774)\r\nContent-Type: multipart/mixed; boundary=\"Apple-Mail=_1\"\r\n";
    add(
        "apple@x",
        with(head("Tom <tom@icloud.example>", "apple@x", "Screen", more), apple),
        "Screen",
        "after the picture.",
        &["screen.png"],
    );

    // NetEase: HTML alone, in GBK.
    let more = "X-Mailer: Coremail Webmail\r\nContent-Type: text/html; charset=GBK\r\nContent-Transfer-Encoding: base64\r\n";
    let body = base64(&gbk("<div style=\"line-height:1.7\">订单 <b>4711</b> 少了两件</div><script>x()</script>"));
    add(
        "netease@x",
        with(head("zhao@163.example", "netease@x", &word("GBK", &gbk("少货")), more), body),
        "少货",
        "订单 4711 少了两件",
        &[],
    );

    // Labels that are wrong, or none.
    let more = "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 8bit\r\n";
    add(
        "ascii@x",
        with(head("old@example.cn", "ascii@x", "Invoice", more), gbk("发票抬头写错了，请重开。")),
        "Invoice",
        "发票抬头写错了，请重开。",
        &[],
    );
    let more = "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n";
    add("latin@x", with(head("web@example.cn", "latin@x", "Web", more), "网页打不开"), "Web", "网页打不开", &[]);
    let mut raw = b"From: raw@example.cn\r\nTo: support@example.cn\r\nMessage-ID: <raw@x>\r\nSubject: ".to_vec();
    raw.extend_from_slice(&gbk("退货申请"));
    add(
        "raw@x",
        with(
            {
                raw.extend_from_slice(b"\r\n");
                raw
            },
            gbk("我要退货，谢谢"),
        ),
        "退货申请",
        "我要退货，谢谢",
        &[],
    );
    let more = "Content-Type: text/plain; charset=big5\r\nContent-Transfer-Encoding: 8bit\r\n";
    add(
        "big5@x",
        with(head("chen@example.tw", "big5@x", "Big5", more), BIG5.encode("印表機無法開機").0),
        "Big5",
        "印表機無法開機",
        &[],
    );
    let more = "Content-Type: text/plain; charset=windows-1252\r\nContent-Transfer-Encoding: 8bit\r\n";
    add(
        "umlaut@x",
        with(head("uwe@example.de", "umlaut@x", "=?iso-8859-1?Q?Gr=FC=DFe?=", more), WINDOWS_1252.encode("Schöne Grüße – 5 €").0),
        "Grüße",
        "Schöne Grüße – 5 €",
        &[],
    );
    let more = "Content-Type: text/plain; charset=\"x-klingon\"\r\n";
    add("charset@x", with(head("k@example.org", "charset@x", "Charset", more), "plain words"), "Charset", "plain words", &[]);

    // What Exchange wraps, an invitation, a signature, a forwarded message.
    let winmail = multipart(
        "m",
        &[
            part("Content-Type: text/plain; charset=us-ascii", "See the attachment."),
            part(
                "Content-Type: application/ms-tnef; name=\"winmail.dat\"\r\nContent-Disposition: attachment; filename=\"winmail.dat\"\r\nContent-Transfer-Encoding: base64",
                &base64(&[0x78, 0x9f, 0x3e, 0x22, 1, 0, 6, 9]),
            ),
        ],
    );
    let mixed = "Content-Type: multipart/mixed; boundary=m\r\n";
    add(
        "tnef@x",
        with(head("ex@example.org", "tnef@x", "Order", mixed), winmail),
        "Order",
        "See the attachment.",
        &["winmail.dat"],
    );
    let invitation = multipart(
        "m",
        &[
            part("Content-Type: text/plain; charset=utf-8", "Technician's visit on Friday?"),
            part(
                "Content-Type: text/calendar; charset=utf-8; method=REQUEST; name=invite.ics",
                "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260306T010000Z\r\nEND:VEVENT\r\nEND:VCALENDAR",
            ),
        ],
    );
    add(
        "ics@x",
        with(head("plan@example.org", "ics@x", "Visit", mixed), invitation),
        "Visit",
        "visit on Friday",
        &["invite.ics"],
    );
    let signed = multipart(
        "s",
        &[
            part("Content-Type: text/plain; charset=utf-8", "Signed words."),
            part(
                "Content-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64",
                &base64(b"\x30\x80\x06\x09"),
            ),
        ],
    );
    let more = "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=s\r\n";
    add("smime@x", with(head("bank@example.org", "smime@x", "Signed", more), signed), "Signed", "Signed words.", &["smime.p7s"]);
    let forwarded = multipart(
        "m",
        &[
            part("Content-Type: text/plain; charset=utf-8", "FYI, please handle."),
            part(
                "Content-Type: message/rfc822",
                "From: x@y.example\r\nSubject: The original\r\nMessage-ID: <inner@y>\r\n\r\nThe words inside",
            ),
        ],
    );
    add(
        "forward@x",
        with(head("boss@example.org", "forward@x", "Fwd: The original", mixed), forwarded),
        "Fwd: The original",
        "please handle",
        &["The original.eml"],
    );

    // A large one, an inline picture, many names.
    let large = multipart(
        "m",
        &[
            part("Content-Type: text/plain; charset=utf-8", "Log attached."),
            part(
                "Content-Type: application/octet-stream; name=dump.bin\r\nContent-Transfer-Encoding: base64",
                &base64(&vec![7; 4_000_000]),
            ),
        ],
    );
    add("large@x", with(head("log@example.org", "large@x", "Crash", mixed), large), "Crash", "Log attached.", &["dump.bin"]);
    let related = multipart(
        "r",
        &[
            part(
                "Content-Type: text/html; charset=utf-8",
                "<p>Look: <img src=\"cid:shot\"> <img src=\"http://tracker.example/p.gif\"></p>",
            ),
            part(
                "Content-Type: image/png; name=shot.png\r\nContent-ID: <shot>\r\nContent-Transfer-Encoding: base64",
                "iVBORw0KGgo=",
            ),
        ],
    );
    add(
        "inline@x",
        with(head("pic@example.org", "inline@x", "Picture", "Content-Type: multipart/related; boundary=r\r\n"), related),
        "Picture",
        "Look:",
        &["shot.png"],
    );

    // Broken ones.
    let open = "--m\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nNobody closes this";
    add("open@x", with(head("open@example.org", "open@x", "Open", mixed), open), "Open", "Nobody closes this", &[]);
    add(
        "noparts@x",
        with(head("none@example.org", "noparts@x", "No parts", mixed), "No boundary stands here"),
        "No parts",
        "No boundary stands here",
        &[],
    );
    let more = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n";
    add(
        "b64@x",
        with(head("b64@example.org", "b64@x", "Half a base64", more), "SGVsbG8gd29ybGQgb2YgYmFzZTY0!!!"),
        "Half a base64",
        "",
        &[],
    );
    let nested: String =
        (0..300).map(|depth| format!("--b{depth}\r\nContent-Type: multipart/mixed; boundary=b{}\r\n\r\n", depth + 1)).collect();
    let more = "Content-Type: multipart/mixed; boundary=b0\r\n";
    add("bomb@x", with(head("bomb@example.org", "bomb@x", "Bomb", more), nested), "Bomb", "", &[]);
    add(
        "nul@x",
        with(head("nul@example.org", "nul@x", "Nul", "Content-Type: text/plain\r\n"), "a\0b and more"),
        "Nul",
        "and more",
        &[],
    );
    let subject = "=?utf-8?Q?Hello=0D=0ABcc:_spy@example.org?=";
    add(
        "inject@x",
        with(head("evil@example.org", "inject@x", subject, ""), "Please answer"),
        "Hello Bcc: spy@example.org",
        "Please answer",
        &[],
    );
    let many: String = (0..500).map(|number| format!(" <r{number}@elsewhere>\r\n")).collect();
    add(
        "many@x",
        with(head("many@example.org", "many@x", "Many", &format!("References:{many}")), "Long thread"),
        "Many",
        "Long thread",
        &[],
    );
    mails
}

/// What machines write in the course of the day: the kind of the message, the mail, and whether it reports on a mail that bounced. `sent` is
/// the id of a reply.
pub fn machines(sent: &str) -> Vec<(&'static str, Vec<u8>)> {
    let answers = format!("In-Reply-To: <{sent}>\r\n");
    let report = |action: &str, status: &str| {
        multipart(
            "d",
            &[
                part("Content-Type: text/plain", "Sorry."),
                part(
                    "Content-Type: message/delivery-status",
                    &format!(
                        "Reporting-MTA: dns; mx.example.cn\r\n\r\nFinal-Recipient: rfc822; anna@berg.example\r\nAction: {action}\r\nStatus: {status}"
                    ),
                ),
                part("Content-Type: text/rfc822-headers", &format!("Message-ID: <{sent}>")),
            ],
        )
    };
    let dsn = "Content-Type: multipart/report; report-type=delivery-status; boundary=d\r\n";
    let daemon = "MAILER-DAEMON@mx.example.cn";
    let receipt = "Content-Type: multipart/report; report-type=disposition-notification; boundary=d\r\n";
    vec![
        ("delayed", with(head(daemon, "dsn1@mx", "Delayed", dsn), report("delayed", "4.4.1"))),
        ("bounced", with(head(daemon, "dsn2@mx", "Undelivered", dsn), report("failed", "5.1.1"))),
        (
            "away",
            with(
                head(
                    "anna@berg.example",
                    "ooo1@x",
                    "Automatic reply: Re: Plotter",
                    &format!("{answers}X-Auto-Response-Suppress: All\r\n"),
                ),
                "I am away.",
            ),
        ),
        ("away", with(head("10042@qq.example", "ooo2@x", &word("gb18030", &gbk("自动回复:您好")), &answers), "我在休假")),
        (
            "away",
            with(
                head("uwe@example.de", "ooo3@x", "Abwesenheitsnotiz: Re: Grüße", "Auto-Submitted: auto-replied\r\n"),
                "Bin im Urlaub",
            ),
        ),
        (
            "receipt",
            with(
                head("tom@icloud.example", "mdn@x", "Read: Screen", &format!("{answers}{receipt}")),
                "--d\r\nContent-Type: text/plain\r\n\r\nRead.\r\n--d--\r\n",
            ),
        ),
        (
            "newsletter",
            with(
                head("news@shop.example", "news@x", "Sale!", "Precedence: bulk\r\nList-Unsubscribe: <mailto:u@shop.example>\r\n"),
                "Buy now",
            ),
        ),
        (
            "monitor",
            with(
                head("noreply@monitor.example", "mon@x", "Disk full", "Auto-Submitted: auto-generated\r\n"),
                "Disk is 95 % full",
            ),
        ),
    ]
}

/// Answers to a reply, as each program quotes it: who answers, by which headers, and what is new in it.
pub fn answers(sent: &str, subject: &str, plus: &str) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let thread = format!("In-Reply-To: <{sent}>\r\nReferences: <{sent}>\r\n");
    let to_plus =
        |raw: Vec<u8>| String::from_utf8_lossy(&raw).replace("To: support@example.cn", &format!("To: {plus}")).into_bytes();
    let text = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
    vec![
        (
            "outlook",
            with(
                head("Anna Berg <anna@berg.example>", "a1@x", &format!("RE: {subject}"), &format!("{thread}{text}")),
                "Still cyan.\r\n\r\nAnna\r\n\r\n________________________________\r\nFrom: Acme <support@example.cn>\r\nSent: Monday, March 2, 2026 10:00 AM\r\n\
                 To: Anna Berg <anna@berg.example>\r\nSubject: Re: Plotter\r\n\r\nPlease clean the heads.\r\n",
            ),
            "Still cyan.\n\nAnna",
        ),
        (
            "gmail",
            with(
                head("anna@berg.example", "a2@x", "Re: hello", &format!("{thread}Content-Type: text/html; charset=utf-8\r\n")),
                "<div dir=\"ltr\">It works!</div><br><div class=\"gmail_quote\"><div>On Mon, Mar 2, 2026 at 10:00 AM Acme &lt;support@example.cn&gt; wrote:<br></div>\
                 <blockquote class=\"gmail_quote\">Please clean the heads.</blockquote></div>",
            ),
            "It works!",
        ),
        (
            "qq",
            to_plus(with(
                head("anna@berg.example", "a3@x", "回复：无题", text),
                "好的，谢谢\r\n\r\n\r\n------------------ 原始邮件 ------------------\r\n发件人: \"Acme\" <support@example.cn>;\r\n发送时间: 2026年3月2日(星期一) 上午10:00\r\n\
                 收件人: \"Anna\"<anna@berg.example>;\r\n主题: Re: Plotter\r\n\r\n请清洗喷头。",
            )),
            "好的，谢谢",
        ),
        (
            "apple",
            with(
                head("anna@berg.example", "a4@x", &format!("Re: {subject}"), text),
                "One more thing.\r\n\r\nSent from my iPhone\r\n\r\n> On 2 Mar 2026, at 10:00, Acme <support@example.cn> wrote:\r\n> \r\n> Please clean the heads.\r\n",
            ),
            "One more thing.\n\nSent from my iPhone",
        ),
        (
            "between",
            with(
                head("anna@berg.example", "a5@x", "x", &format!("{thread}{text}")),
                "> Is it on?\r\nYes.\r\n> Does it print?\r\nNo.\r\n",
            ),
            "> Is it on?\nYes.\n> Does it print?\nNo.",
        ),
        (
            "only a quotation",
            with(head("anna@berg.example", "a6@x", "x", &format!("{thread}{text}")), "> Please clean the heads.\r\n"),
            "> Please clean the heads.",
        ),
    ]
}
