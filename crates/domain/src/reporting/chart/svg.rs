//! Writing SVG: escaped text, numbers without noise, labels that are cut to their room.

use std::fmt::Write;

use super::{
    Number, Theme,
    ink::{Ink, ink},
    width,
};

const FONTS: &str = "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif";

/// Where a label stands by its point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A text to be written, its baseline at a point.
pub struct Label<'a> {
    pub at: (f64, f64),
    pub text: &'a str,
    pub size: f64,
    pub anchor: Anchor,
    pub fill: &'a str,
    pub is_bold: bool,
    /// The room along its line.
    pub room: f64,
    /// Degrees that it is turned by, clockwise.
    pub turn: f64,
}

impl<'a> Label<'a> {
    pub fn new(text: &'a str, at: (f64, f64), size: f64, fill: &'a str) -> Label<'a> {
        Label { at, text, size, anchor: Anchor::Start, fill, is_bold: false, room: f64::INFINITY, turn: 0.0 }
    }

    pub fn to(mut self, anchor: Anchor) -> Label<'a> {
        self.anchor = anchor;
        self
    }

    pub fn within(mut self, room: f64) -> Label<'a> {
        self.room = room;
        self
    }

    pub fn bold(mut self) -> Label<'a> {
        self.is_bold = true;
        self
    }

    pub fn turned(mut self, degrees: f64) -> Label<'a> {
        self.turn = degrees;
        self
    }
}

/// A picture in the making.
pub struct Svg {
    out: String,
    /// Which rounds of hatches are used.
    hatched: [bool; 2],
    pub ink: &'static Ink,
    pub theme: Theme,
}

impl Svg {
    pub fn new((width, height): (f64, f64), theme: Theme, title: &str, description: &str) -> Svg {
        let mut svg = Svg { out: String::new(), hatched: [false; 2], ink: ink(theme), theme };
        let (w, h) = (coordinate(width), coordinate(height));
        let _ = write!(
            svg.out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" font-family=\"{FONTS}\">"
        );
        let _ = write!(svg.out, "<title>{}</title><desc>{}</desc>", escaped(title), escaped(description));
        let _ = write!(svg.out, "<rect width=\"{w}\" height=\"{h}\" fill=\"{}\"/>", svg.ink.ground);
        svg
    }

    pub fn finish(mut self) -> String {
        self.hatches();
        self.out.push_str("</svg>\n");
        self.out
    }

    /// Colours beyond the palette are those of the palette, hatched.
    fn hatches(&mut self) {
        for round in (1..=2).filter(|round| self.hatched[round - 1]) {
            self.out.push_str("<defs>");
            for (place, colour) in self.ink.palette.iter().enumerate() {
                let (id, turn) = (hatch(self.theme, round, place), if round == 1 { 45 } else { -45 });
                let ground = self.ink.ground;
                let _ = write!(
                    self.out,
                    "<pattern id=\"{id}\" patternUnits=\"userSpaceOnUse\" width=\"6\" height=\"6\" patternTransform=\"rotate({turn})\"><rect width=\"6\" height=\"6\" fill=\"{colour}\"/><rect width=\"2\" height=\"6\" fill=\"{ground}\"/></pattern>"
                );
            }
            self.out.push_str("</defs>");
        }
    }

    /// What the areas of a series are filled with.
    pub fn fill(&mut self, series: usize) -> String {
        let (round, place) = (series / self.ink.palette.len(), series % self.ink.palette.len());
        match round {
            0 => self.ink.palette[place].to_owned(),
            round => {
                let round = 2 - round % 2;
                self.hatched[round - 1] = true;
                format!("url(#{})", hatch(self.theme, round, place))
            }
        }
    }

    /// The colour of the lines of a series.
    pub fn colour(&self, series: usize) -> &'static str {
        self.ink.palette[series % self.ink.palette.len()]
    }

    /// Writes a label, as far as it has room; what is cut off stands in its title.
    pub fn label(&mut self, label: &Label<'_>) {
        let text = cleaned(label.text);
        let text = text.trim();
        let shown = width::shortened(text, label.size, label.is_bold, label.room);
        if shown.is_empty() {
            return;
        }
        let (x, y) = (coordinate(label.at.0), coordinate(label.at.1));
        let _ = write!(self.out, "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" fill=\"{}\"", coordinate(label.size), label.fill);
        match label.anchor {
            Anchor::Start => {}
            Anchor::Middle => self.out.push_str(" text-anchor=\"middle\""),
            Anchor::End => self.out.push_str(" text-anchor=\"end\""),
        }
        if label.is_bold {
            self.out.push_str(" font-weight=\"600\"");
        }
        if label.turn != 0.0 {
            let _ = write!(self.out, " transform=\"rotate({} {x} {y})\"", coordinate(label.turn));
        }
        self.out.push('>');
        if shown != text {
            let _ = write!(self.out, "<title>{}</title>", escaped(text));
        }
        let _ = write!(self.out, "{}</text>", escaped(&shown));
    }

    /// A shape without a figure: its tag and attributes.
    pub fn shape(&mut self, shape: &str) {
        let _ = write!(self.out, "<{shape}/>");
    }

    /// A shape that stands for a figure, with the figure as the report has it, and what it is in words.
    pub fn mark(&mut self, shape: &str, value: Number, title: &str) {
        let value = in_json(value);
        let tag = shape.split(' ').next().unwrap_or_default();
        let _ = write!(self.out, "<{shape} data-value=\"{value}\"><title>{}</title></{tag}>", escaped(title));
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str, thickness: f64) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(coordinate);
        let _ = write!(
            self.out,
            "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"{colour}\" stroke-width=\"{}\"/>",
            coordinate(thickness)
        );
    }
}

/// A figure as JSON has it.
pub fn in_json(number: Number) -> String {
    match number {
        Number::Whole(value) => value.to_string(),
        Number::Decimal(value) => format!("{value:?}"),
    }
}

fn hatch(theme: Theme, round: usize, place: usize) -> String {
    format!("hatch-{}-{round}-{place}", theme.as_str())
}

/// A rectangle as a shape.
pub fn rectangle((x, y): (f64, f64), (width, height): (f64, f64), fill: &str) -> String {
    let [x, y, width, height] = [x, y, width, height].map(coordinate);
    format!("rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"")
}

/// A coordinate in hundredths of a pixel.
pub fn coordinate(number: f64) -> String {
    let text = format!("{number:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" || text.is_empty() { "0".to_owned() } else { text.to_owned() }
}

/// A text without the signs that XML does not know, that break lines, or that turn the direction of what follows.
pub fn cleaned(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => clean.push(' '),
            '\u{0}'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}' => {}
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {}
            sign => clean.push(sign),
        }
    }
    clean
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in cleaned(text).chars() {
        match sign {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            sign => safe.push(sign),
        }
    }
    safe
}
