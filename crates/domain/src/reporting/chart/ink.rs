//! The colours of both themes. Text has a contrast of at least 4.5 to what it stands on, shapes of at least 3 (WCAG 2.2), and the colours of series
//! are told apart by readers of every common colour blindness; tests hold them to that.

use super::Theme;

/// The colours of a theme.
pub struct Ink {
    pub ground: &'static str,
    pub text: &'static str,
    /// Text beside the matter: ticks, notes.
    pub muted: &'static str,
    pub grid: &'static str,
    /// Axes and the line of zero.
    pub axis: &'static str,
    /// What is not filled.
    pub empty: &'static str,
    /// Of what is put together from the rest.
    pub rest: &'static str,
    pub palette: [&'static str; 8],
    /// From little to much.
    pub rising: [[u8; 3]; 3],
    /// Below zero: from little to much.
    pub falling: [[u8; 3]; 3],
}

static LIGHT: Ink = Ink {
    ground: "#ffffff",
    text: "#1b2430",
    muted: "#566273",
    grid: "#e3e7ed",
    axis: "#8a95a5",
    empty: "#eef1f5",
    rest: "#7d8795",
    palette: ["#2f5b7b", "#e2740c", "#468372", "#9061bb", "#718bff", "#b35512", "#6102ae", "#7f2e17"],
    rising: [[0xe6, 0xf0, 0xf8], [0x5b, 0x9b, 0xcc], [0x10, 0x3b, 0x66]],
    falling: [[0xfb, 0xeb, 0xdd], [0xe4, 0x8f, 0x42], [0x7a, 0x35, 0x06]],
};

static DARK: Ink = Ink {
    ground: "#15191f",
    text: "#eef2f7",
    muted: "#a9b4c2",
    grid: "#2b323c",
    axis: "#7a8696",
    empty: "#232a33",
    rest: "#8d98a6",
    palette: ["#3e83f4", "#dd730e", "#79cd94", "#cfa3f3", "#95f4ff", "#f1e856", "#99759e", "#b0452e"],
    rising: [[0x20, 0x33, 0x45], [0x3f, 0x86, 0xc0], [0xd3, 0xec, 0xff]],
    falling: [[0x3c, 0x2a, 0x1c], [0xc9, 0x71, 0x24], [0xff, 0xe1, 0xc4]],
};

pub fn ink(theme: Theme) -> &'static Ink {
    match theme {
        Theme::Light => &LIGHT,
        Theme::Dark => &DARK,
    }
}

/// The colour of a share, 0 to 1, of the most.
pub fn shade(stops: &[[u8; 3]; 3], share: f64) -> String {
    let along = share.clamp(0.0, 1.0) * 2.0;
    let (from, to, along) = if along < 1.0 { (stops[0], stops[1], along) } else { (stops[1], stops[2], along - 1.0) };
    let mixed = [0, 1, 2].map(|part| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
        let byte = (f64::from(from[part]) + (f64::from(to[part]) - f64::from(from[part])) * along).round() as u8;
        byte
    });
    format!("#{:02x}{:02x}{:02x}", mixed[0], mixed[1], mixed[2])
}

/// Black or white, whichever is read better on a colour: one of both always has a contrast of 4.5.
pub fn text_on(colour: &str) -> &'static str {
    if contrast(colour, "#000000") >= contrast(colour, "#ffffff") { "#000000" } else { "#ffffff" }
}

/// The contrast of two colours by WCAG 2.2: 1 to 21.
pub fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(colour: &str) -> f64 {
    let parts = linear(colour);
    0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
}

/// The parts of a colour as amounts of light.
pub fn linear(colour: &str) -> [f64; 3] {
    [1, 3, 5].map(|place| {
        let byte = colour.get(place..place + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or_default();
        let part = f64::from(byte) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    })
}
