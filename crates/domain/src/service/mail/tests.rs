use proptest::prelude::*;

use super::{automatic::Automatic, read::read};

fn with(headers: &str) -> super::read::Mail {
    read(format!("From: 王芳 <fang@example.cn>\r\nTo: support@example.com\r\n{headers}\r\n\r\nHello\r\n").as_bytes())
}

#[test]
fn a_thread_is_known_by_all_its_ids_nearest_first() {
    let mail = with("Message-ID: <c@x>\r\nIn-Reply-To: <b@x>\r\nReferences: <a@x>\r\n <b@x>\r\nSubject: Re: hello");
    assert_eq!(mail.id.as_deref(), Some("c@x"));
    assert_eq!(mail.answers, ["b@x", "a@x"]);
    // What Outlook and forwarders leave.
    assert_eq!(with("In-Reply-To: <b@x> <z@x>\r\nReferences: <a@x>").answers, ["b@x", "z@x", "a@x"]);
    assert_eq!(with("References: <a@x> <b@x>").answers, ["b@x", "a@x"]);
    assert!(with("In-Reply-To: your message of Monday").answers.len() <= 1);
    let many: String = (0..5_000).map(|number| format!("<{number}@x> ")).collect();
    assert_eq!(with(&format!("References: {many}")).answers.len(), 100);
}

#[test]
fn machines_are_known_and_not_answered() {
    let kinds = [
        ("Auto-Submitted: auto-replied", Some(Automatic::Reply)),
        ("Auto-Submitted: auto-generated; owner-email=\"x@y\"", Some(Automatic::Generated)),
        ("Auto-Submitted: auto-notified (cron)", Some(Automatic::Generated)),
        ("Precedence: bulk", Some(Automatic::Bulk)),
        ("Precedence: auto_reply", Some(Automatic::Reply)),
        ("X-Autoreply: yes", Some(Automatic::Reply)),
        ("Return-Path: <>", Some(Automatic::Generated)),
        ("Subject: =?utf-8?B?6Ieq5Yqo5Zue5aSNOuaJk+WNsOacug==?=", Some(Automatic::Reply)),
        ("Subject: Automatic reply: printer", Some(Automatic::Reply)),
        ("List-Unsubscribe: <mailto:x@y>", Some(Automatic::Bulk)),
        ("Content-Type: multipart/report; report-type=disposition-notification; boundary=b", Some(Automatic::Report)),
    ];
    for (header, kind) in kinds {
        let mail = with(header);
        assert_eq!(mail.automatic, kind, "{header}");
        assert!(!mail.may_be_answered, "{header}");
    }
    for header in ["Auto-Submitted: no", "Return-Path: <fang@example.cn>", "Subject: About your automatic reply: it is wrong"] {
        let mail = with(header);
        assert_eq!((mail.automatic, mail.may_be_answered), (None, true), "{header}");
    }
    // Somebody wrote these, and asks for no machine's answer.
    for header in ["X-Auto-Response-Suppress: OOF, AutoReply", "List-Id: <users.example.com>", "Precedence: list"] {
        let mail = with(header);
        assert_eq!((mail.automatic, mail.may_be_answered), (None, false), "{header}");
    }
    for sender in ["noreply@shop.example", "no-reply+7@shop.example", "MAILER-DAEMON@mx.example", "do-not-reply@x.example"] {
        let mail = read(format!("From: {sender}\r\n\r\nHello").as_bytes());
        assert!(mail.automatic.is_some() && !mail.may_be_answered, "{sender}");
    }
}

#[test]
fn a_report_says_what_was_not_delivered() {
    let report = "From: MAILER-DAEMON@mx.example.cn (Mail Delivery System)\r\nTo: support@example.com\r\nSubject: Undelivered Mail\r\n\
        Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\
        Sorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.cn\r\n\r\n\
        Final-Recipient: rfc822; fang@example.cn\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such\r\n user\r\n\
        --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <out-7@example.com>\r\nSubject: Re: printer\r\n\r\n--b--\r\n";
    let bounce = read(report.as_bytes()).bounce.expect("a bounce");
    assert_eq!(bounce.recipient.as_deref(), Some("fang@example.cn"));
    assert_eq!(bounce.status.as_deref(), Some("5.1.1"));
    assert_eq!(bounce.diagnostic.as_deref(), Some("550 5.1.1 no such user"));
    assert_eq!(bounce.original_id.as_deref(), Some("out-7@example.com"));
    assert!(!bounce.is_delayed);
    assert!(read(report.replace("Action: failed", "Action: delivered").as_bytes()).bounce.is_none());
    // The whole message comes back, and the trouble passes.
    let whole = report.replace("text/rfc822-headers", "message/rfc822").replace("Action: failed", "Action: delayed");
    let bounce = read(whole.as_bytes()).bounce.expect("a bounce");
    assert_eq!(bounce.original_id.as_deref(), Some("out-7@example.com"));
    assert!(bounce.is_delayed);
}

#[test]
fn characters_are_read_whatever_they_are_called() {
    let (gbk, ..) = encoding_rs::GB18030.encode("您好，打印机无法开机。");
    for label in ["us-ascii", "iso-8859-1", "utf-8", "gb2312", "gbk", "unknown-8bit"] {
        let mut raw =
            format!("From: a@b.cn\r\nContent-Type: text/plain; charset={label}\r\nContent-Transfer-Encoding: 8bit\r\nSubject: ")
                .into_bytes();
        let (subject, ..) = encoding_rs::GB18030.encode("打印机");
        raw.extend_from_slice(&subject);
        raw.extend_from_slice(b"\r\n\r\n");
        raw.extend_from_slice(&gbk);
        let mail = read(&raw);
        assert_eq!(mail.text.as_deref(), Some("您好，打印机无法开机。"), "{label}");
        assert_eq!(mail.subject, "打印机", "{label}");
    }
}

#[test]
fn parts_become_a_text_and_attachments() {
    let raw = "From: \"Li, Wei\" <wei@example.cn>\r\nReply-To: desk@example.cn\r\nCc: A <a@x.cn>, B <b@x.cn>\r\nDelivered-To: support@example.com\r\n\
        Date: Mon, 2 Mar 2026 16:00:00 +0800\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
        --a\r\nContent-Type: text/plain\r\n\r\nHello\r\n--a\r\nContent-Type: text/html\r\n\r\n<p>Hello <img src=\"cid:pic@x\"></p>\r\n--a--\r\n\
        --m\r\nContent-Type: image/png; name=\"=?utf-8?B?5Zu+54mHLnBuZw==?=\"\r\nContent-ID: <pic@x>\r\nContent-Disposition: inline\r\n\
        Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--m\r\nContent-Type: message/rfc822\r\n\r\nSubject: forwarded\r\n\r\nInside\r\n--m--\r\n";
    let mail = read(raw.as_bytes());
    let from = mail.from.expect("a sender");
    assert_eq!((from.address.as_str(), from.name.as_deref()), ("wei@example.cn", Some("Li, Wei")));
    assert_eq!(mail.cc.len(), 2);
    assert_eq!(mail.delivered_to, ["support@example.com"]);
    assert_eq!(mail.text.as_deref().map(str::trim), Some("Hello"));
    assert!(mail.html.is_some_and(|html| html.contains("cid:pic@x")));
    let names: Vec<_> = mail.attachments.iter().map(|part| (part.name.as_deref(), part.media_type.as_str())).collect();
    assert_eq!(names, [(Some("图片.png"), "image/png"), (Some("forwarded.eml"), "message/rfc822")]);
    assert!(String::from_utf8_lossy(&mail.attachments[1].content).contains("Inside"));
}

#[test]
fn headers_cannot_smuggle_lines() {
    let mail = with("Subject: =?utf-8?Q?hello=0D=0ABcc:_x@y.z?=\r\nCc: =?utf-8?Q?a=0D=0A?= <r@x.cn>");
    assert_eq!(mail.subject, "hello Bcc: x@y.z");
    assert!(mail.cc.iter().all(|person| person.name.as_deref().is_none_or(|name| !name.contains(['\r', '\n']))));
}

#[test]
fn words_of_broken_parts_are_kept() {
    let head = "From: a@b.cn\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n";
    for body in ["--m\r\nContent-Type: text/plain\r\n\r\nNobody closes this", "No boundary at all", "--m\r\nhello there"] {
        let mail = read(format!("{head}{body}").as_bytes());
        let text = mail.text.clone().unwrap_or_default();
        assert!(text.contains(body.lines().last().unwrap()), "{body}: {mail:?}");
    }
}

#[test]
fn what_is_no_message_is_a_text() {
    assert_eq!(read(b"").text, None);
    let mail = read("just words, 没有标题".as_bytes());
    assert!(mail.from.is_none() && !mail.may_be_answered);
    let nested: String =
        (0..2_000).map(|depth| format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n")).collect();
    assert!(read(format!("From: a@b.cn\r\n{nested}deep").as_bytes()).from.is_some());
}

proptest! {
    #[test]
    fn anything_can_be_read(raw in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        drop(read(&raw));
    }

    #[test]
    fn anything_like_a_message_can_be_read(
        headers in "(From: [a-z@<>\" =?]{0,30}\r\n|Content-Type: (text/plain|multipart/mixed|message/rfc822); ?(boundary=b|charset=[a-z0-9-]{0,12})?\r\n|Content-Transfer-Encoding: (base64|quoted-printable|x)\r\n|Date: [0-9A-Za-z:, +-]{0,40}\r\n){0,6}",
        body in "(--b(--)?\r\n|[a-zA-Z0-9=<>/+ 您\u{80}-\u{ff}]{0,40}\r\n|Content-Type: text/html\r\n|\r\n){0,20}",
    ) {
        drop(read(format!("{headers}\r\n{body}").as_bytes()));
    }
}
