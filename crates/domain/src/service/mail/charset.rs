//! The characters of a text part whose label is wrong, or that has none: mail programs that write GBK and call it `us-ascii`, web
//! mailers that write UTF-8 and call it `iso-8859-1`.

use encoding_rs::{BIG5, Encoding, GB18030, UTF_8, WINDOWS_1252};

/// The text of some bytes. The label counts unless the bytes contradict it; a single-byte label contradicts itself where the bytes
/// are plainly UTF-8 or Chinese, since each byte is a character of those.
pub fn decode(bytes: &[u8], label: Option<&str>) -> String {
    let strictly = |encoding: &'static Encoding| encoding.decode_without_bom_handling_and_without_replacement(bytes);
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[length..]).0.into_owned();
    }
    let labelled = label.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    // Programs that say GB2312 write what is beyond it too, and those that say ASCII write anything.
    let labelled = labelled.map(|encoding| if encoding == encoding_rs::GBK { GB18030 } else { encoding });
    let says_little = labelled.is_none_or(|encoding| encoding == WINDOWS_1252);
    if !says_little && let Some(text) = labelled.and_then(strictly) {
        return text.into_owned();
    }
    if let Some(text) = strictly(UTF_8) {
        return text.into_owned();
    }
    if looks_like_gb2312(bytes)
        && let Some(text) = strictly(GB18030)
    {
        return text.into_owned();
    }
    let likely = if says_little { [WINDOWS_1252, GB18030, BIG5] } else { [GB18030, BIG5, WINDOWS_1252] };
    match likely.into_iter().find_map(strictly) {
        Some(text) => text.into_owned(),
        None => labelled.unwrap_or(UTF_8).decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// Whether nearly all bytes beyond ASCII come in pairs of the characters and signs of GB 2312, as Chinese text in GBK does and
/// accented Latin letters, which stand alone between others, do not.
fn looks_like_gb2312(bytes: &[u8]) -> bool {
    let (mut pairs, mut others, mut at) = (0_usize, 0_usize, 0);
    while at < bytes.len() {
        let pair = (bytes[at], bytes.get(at + 1).copied().unwrap_or(0));
        match pair {
            (0xA1..=0xA9 | 0xB0..=0xF7, 0xA1..=0xFE) => (pairs, at) = (pairs + 1, at + 2),
            (0x80.., _) => (others, at) = (others + 1, at + 1),
            _ => at += 1,
        }
    }
    pairs >= 2 && pairs > others * 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_labels_are_seen_through() {
        let chinese = "您好，打印机无法开机，请尽快处理。";
        let (gbk, ..) = GB18030.encode(chinese);
        let (big5, ..) = BIG5.encode("您好，印表機無法開機");
        for label in [None, Some("us-ascii"), Some("iso-8859-1"), Some("utf-8"), Some("gb2312"), Some("gbk"), Some("x-unknown")] {
            assert_eq!(decode(&gbk, label), chinese, "{label:?}");
            assert_eq!(decode(chinese.as_bytes(), label.filter(|label| !label.starts_with("gb"))), chinese, "{label:?}");
        }
        assert_eq!(decode(&big5, Some("big5")), "您好，印表機無法開機");
        assert_eq!(decode(b"Gr\xfc\xdfe aus M\xfcnchen", Some("iso-8859-1")), "Grüße aus München");
        assert_eq!(decode(b"Gr\xfc\xdfe aus M\xfcnchen", None), "Grüße aus München");
        assert_eq!(decode("Grüße".as_bytes(), Some("iso-8859-1")), "Grüße");
        // Beyond GB 2312: the rare characters of names.
        let (rare, ..) = GB18030.encode("朱镕基，喆");
        assert_eq!(decode(&rare, Some("gb2312")), "朱镕基，喆");
    }
}
