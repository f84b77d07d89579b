//! How wide text is: Chinese, Japanese and Korean signs one em, Latin ones by a table, what is not known as wide as can be. The fonts of readers
//! differ, so that the table is of a common sans serif with a tenth added.

/// The signs from space to tilde in thousandths of an em, as Helvetica has them.
const ASCII: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556,
    556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778,
    722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222,
    500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
/// How much wider than the table fonts may be.
const SPARE: f64 = 1.1;
const ELLIPSIS: char = '…';

/// The width of a sign in ems.
fn of_sign(sign: char) -> f64 {
    match u32::from(sign) {
        code @ 0x20..=0x7E => f64::from(ASCII[code as usize - 0x20]) / 1_000.0 * SPARE,
        // What is written over or beside other signs, and what is not seen.
        0x300..=0x36F | 0x483..=0x489 | 0x591..=0x5BD | 0x610..=0x61A | 0x64B..=0x65F | 0xE31 | 0xE34..=0xE3A | 0xE47..=0xE4E => {
            0.0
        }
        0x1AB0..=0x1AFF | 0x200B..=0x200F | 0x2060..=0x2064 | 0x20D0..=0x20FF | 0xFE00..=0xFE0F | 0xFE20..=0xFE2F | 0xFEFF => 0.0,
        0xA0 | 0xB7 | 0x2009 => 0.35,
        0xA1..=0x58F => 0.8,
        0x590..=0x6FF => 0.75,
        0x2010..=0x2013 | 0x2018..=0x201F => 0.62,
        0xFF61..=0xFFDC => 0.55,
        0x2600..=0x27BF | 0x1F000..=0x1FAFF => 1.35,
        _ => 1.0,
    }
}

/// The width of a text, in the unit of its size.
pub fn of(text: &str, size: f64, is_bold: bool) -> f64 {
    let ems: f64 = text.chars().map(of_sign).sum();
    ems * size * if is_bold { 1.08 } else { 1.0 }
}

/// The text if it has room, else its beginning with an ellipsis; nothing where there is no room for that either.
pub fn shortened(text: &str, size: f64, is_bold: bool, room: f64) -> String {
    if of(text, size, is_bold) <= room {
        return text.to_owned();
    }
    let room = room - of(&ELLIPSIS.to_string(), size, is_bold);
    let mut kept = 0;
    let mut width = 0.0;
    for (place, sign) in text.char_indices() {
        let own = of(sign.encode_utf8(&mut [0; 4]), size, is_bold);
        if own > 0.0 && width + own > room {
            break;
        }
        width += own;
        kept = place + sign.len_utf8();
    }
    let kept = text[..kept].trim_end();
    if kept.is_empty() { String::new() } else { format!("{kept}{ELLIPSIS}") }
}
