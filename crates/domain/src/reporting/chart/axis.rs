//! Charts along an axis of categories: the axes, and their labels so that none runs into another.

use std::f64::consts::FRAC_1_SQRT_2;

use super::{
    ChartKind, Unit, bars,
    frame::{Area, SMALL, Shown},
    lines, number,
    scale::Scale,
    svg::{Anchor, Label, Svg, cleaned, coordinate},
    width,
};

/// Where the figures of a panel are drawn.
pub struct Plot {
    pub area: Area,
    pub scale: Scale,
    /// The width of a category.
    pub band: f64,
}

impl Plot {
    pub fn y(&self, value: f64) -> f64 {
        self.area.bottom() - self.scale.share(value) * self.area.height
    }

    pub fn zero(&self) -> f64 {
        self.area.bottom() - self.scale.zero() * self.area.height
    }

    /// The middle of a category.
    #[allow(clippy::cast_precision_loss, reason = "at most some hundred")]
    pub fn x(&self, category: usize) -> f64 {
        self.area.x + (category as f64 + 0.5) * self.band
    }
}

/// Draws the panels above each other, each with its own scale, and the categories below the last.
pub fn draw(svg: &mut Svg, shown: &Shown<'_>, area: Area) {
    let chart = shown.chart;
    #[allow(clippy::cast_precision_loss, reason = "a few panels")]
    let count = shown.panels.len() as f64;
    let scales: Vec<Scale> = shown.panels.iter().map(|panel| scale(shown, panel, area.height * 0.7 / count)).collect();
    let labels: Vec<Vec<String>> =
        scales.iter().zip(&shown.panels).map(|(scale, panel)| tick_labels(scale, shown.series[panel[0]].unit, shown)).collect();
    let margin = labels.iter().flatten().map(|label| width::of(label, SMALL, false)).fold(0.0, f64::max) + 8.0;
    let title_room = if chart.category_title.is_empty() || area.height < 190.0 { 0.0 } else { 18.0 };
    let plot_width = area.width - margin;
    let axis = Categories::plan(shown.categories, chart.is_course, plot_width, area.height * 0.4);
    // Figures below bars that hang down need a line.
    let mut figures = shown.panels.iter().flatten().flat_map(|series| shown.figures(*series));
    let hang = if chart.kind == ChartKind::Bar && figures.any(|(_, _, value)| value < 0.0) { 12.0 } else { 0.0 };
    let height = (area.height - axis.height - title_room - hang) / count;
    for (place, (scale, panel)) in scales.into_iter().zip(&shown.panels).enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "a few panels")]
        let top = area.y + height * place as f64;
        let unit = shown.series[panel[0]].unit;
        let heading = heading(shown, panel);
        svg.label(&Label::new(&heading, (area.x, top + 9.0), SMALL, svg.ink.muted).within(area.width));
        let above = if heading.is_empty() { 14.0 } else { 26.0 };
        let under = if place + 1 == shown.panels.len() { 0.0 } else { 14.0 + hang };
        let inside = Area { x: area.x + margin, y: top + above, width: plot_width, height: (height - above - under).max(1.0) };
        let plot = Plot { area: inside, band: axis.band, scale };
        value_axis(svg, &plot, unit, shown);
        match chart.kind {
            ChartKind::Bar => bars::grouped(svg, shown, panel, &plot),
            ChartKind::StackedBar => bars::stacked(svg, shown, panel, &plot),
            _ => lines::draw(svg, shown, panel, &plot),
        }
        let zero = plot.zero();
        svg.line((inside.x, zero), (inside.right(), zero), svg.ink.axis, 1.0);
    }
    let bottom = area.bottom() - title_room - axis.height;
    axis.write(svg, shown.categories, (area.x + margin, bottom), shown.size.0);
    if title_room > 0.0 {
        let at = (area.x + margin + plot_width / 2.0, area.bottom() - 3.0);
        svg.label(&Label::new(&chart.category_title, at, SMALL, svg.ink.muted).to(Anchor::Middle).within(plot_width));
    }
}

/// What a panel is of: its only series, or else its currency.
pub fn heading(shown: &Shown<'_>, panel: &[usize]) -> String {
    match (panel, shown.series[panel[0]].unit) {
        ([only], _) => shown.series[*only].label.clone(),
        (_, Unit::Money(currency)) => currency.code().to_owned(),
        _ => String::new(),
    }
}

fn scale(shown: &Shown<'_>, panel: &[usize], height: f64) -> Scale {
    let unit = shown.series[panel[0]].unit;
    let ticks = height / 44.0;
    if shown.chart.kind == ChartKind::StackedBar {
        let sums = (0..shown.categories.len()).flat_map(|category| {
            let values = panel.iter().filter_map(|series| shown.figure(*series, category).map(|(_, value)| value));
            let (below, above): (Vec<f64>, Vec<f64>) = values.partition(|value| *value < 0.0);
            [below.iter().sum(), above.iter().sum()]
        });
        return Scale::over(sums, true, unit, ticks);
    }
    let values = panel.iter().flat_map(|series| shown.figures(*series).map(|(_, _, value)| value));
    Scale::over(values, shown.chart.kind != ChartKind::Line, unit, ticks)
}

pub fn tick_labels(scale: &Scale, unit: Unit, shown: &Shown<'_>) -> Vec<String> {
    number::of_ticks(&scale.ticks, scale.step, unit, shown.chart.language)
}

/// The lines of the ticks and what they stand for; every other one where they are too close.
pub fn value_axis(svg: &mut Svg, plot: &Plot, unit: Unit, shown: &Shown<'_>) {
    let labels = tick_labels(&plot.scale, unit, shown);
    #[allow(clippy::cast_precision_loss, reason = "a few ticks")]
    let apart = plot.area.height / (labels.len().max(2) - 1) as f64;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few ticks")]
    let every = (15.0 / apart).ceil().max(1.0) as usize;
    for (label, tick) in labels.iter().zip(&plot.scale.ticks).step_by(every) {
        let y = plot.y(*tick);
        svg.line((plot.area.x, y), (plot.area.right(), y), svg.ink.grid, 1.0);
        svg.label(&Label::new(label, (plot.area.x - 8.0, y + 4.0), SMALL, svg.ink.muted).to(Anchor::End));
    }
}

/// How the labels of categories are set.
pub struct Categories {
    pub band: f64,
    pub height: f64,
    lines: usize,
    turn: f64,
    every: usize,
    room: f64,
}

impl Categories {
    /// Beside each other if they fit; else, of what follows in time, only every other one; else in two lines, aslant or upright.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most some hundred"
    )]
    pub fn plan(labels: &[String], is_course: bool, plot_width: f64, most_height: f64) -> Categories {
        let band = plot_width / labels.len().max(1) as f64;
        let longest = labels.iter().map(|label| width::of(cleaned(label).trim(), SMALL, false)).fold(0.0, f64::max);
        let level = |lines: usize, every: usize| Categories {
            band,
            height: 6.0 + 14.0 * lines as f64,
            lines,
            turn: 0.0,
            every,
            room: band * every as f64 - 8.0,
        };
        if longest + 8.0 <= band {
            return level(1, 1);
        }
        if is_course {
            let every = ((longest + 14.0) / band).ceil().max(1.0) as usize;
            return level(1, every);
        }
        let fit = |label: &String| {
            wrapped(cleaned(label).trim(), band - 8.0).is_some_and(|(_, rest)| width::of(&rest, SMALL, false) <= band - 8.0)
        };
        if band >= 80.0 || (band >= 44.0 && labels.iter().all(fit)) {
            return level(2, 1);
        }
        if band >= 20.0 {
            let room = ((most_height - 18.0) / FRAC_1_SQRT_2).clamp(30.0, 170.0);
            let height = longest.min(room) * FRAC_1_SQRT_2 + 18.0;
            return Categories { band, height, lines: 1, turn: -45.0, every: 1, room };
        }
        let every = (15.0 / band).ceil().max(1.0) as usize;
        let room = (most_height - 12.0).clamp(30.0, 140.0);
        Categories { band, height: longest.min(room) + 12.0, lines: 1, turn: -90.0, every, room }
    }

    /// Writes them below a line, inside a picture of this width.
    #[allow(clippy::cast_precision_loss, reason = "at most some hundred")]
    pub fn write(&self, svg: &mut Svg, labels: &[String], (left, top): (f64, f64), picture: f64) {
        // Where the label before ends.
        let mut end = f64::NEG_INFINITY;
        for (place, label) in labels.iter().enumerate().step_by(self.every.max(1)) {
            let x = left + (place as f64 + 0.5) * self.band;
            let label = cleaned(label);
            let label = label.trim();
            let text = |text: &str, at: (f64, f64), svg: &mut Svg, anchor: Anchor, room: f64| {
                svg.label(&Label::new(text, at, SMALL, svg.ink.muted).to(anchor).within(room).turned(self.turn));
            };
            if self.turn == 0.0 {
                let (first, rest) = match self.lines {
                    2 if width::of(label, SMALL, false) > self.room => {
                        wrapped(label, self.room).unwrap_or((label.to_owned(), String::new()))
                    }
                    _ => (label.to_owned(), String::new()),
                };
                let room = self.room.max(self.band - 4.0).min(picture - 8.0);
                let half =
                    [&first, &rest].map(|line| width::of(line, SMALL, false).min(room)).into_iter().fold(0.0, f64::max) / 2.0;
                let x = x.clamp(half + 2.0, (picture - half - 2.0).max(half + 2.0));
                if x - half < end + 4.0 {
                    continue;
                }
                end = x + half;
                text(&first, (x, top + 15.0), svg, Anchor::Middle, room);
                text(&rest, (x, top + 29.0), svg, Anchor::Middle, room);
            } else if self.turn > -90.0 {
                let room = self.room.min((x - 8.0) / FRAC_1_SQRT_2);
                text(label, (x + 4.0, top + 12.0), svg, Anchor::End, room);
            } else {
                text(label, (x + 4.0, top + 6.0), svg, Anchor::End, self.room);
            }
        }
    }
}

/// A label in two lines, parted at spaces or between Chinese signs: as even as can be if both have room, else as much as has room in the first.
fn wrapped(label: &str, room: f64) -> Option<(String, String)> {
    let wide = |sign: char| ('\u{2E80}'..'\u{FE00}').contains(&sign);
    let long = |line: &str| width::of(line, SMALL, false);
    let mut full = None;
    let mut even: Option<(f64, usize)> = None;
    let mut before = None;
    for (place, sign) in label.char_indices() {
        let parts =
            before.is_some_and(|before| before == ' ' || (wide(sign) && wide(before)) || matches!(before, '-' | '/' | '·'));
        before = Some(sign);
        if !parts {
            continue;
        }
        let (first, rest) = (long(label[..place].trim_end()), long(&label[place..]));
        if first > room {
            break;
        }
        full = Some(place);
        if rest <= room && even.is_none_or(|(longer, _)| first.max(rest) < longer) {
            even = Some((first.max(rest), place));
        }
    }
    let cut = even.map(|(_, place)| place).or(full)?;
    Some((label[..cut].trim_end().to_owned(), label[cut..].to_owned()))
}

/// Points of a line as they are written in a path.
pub fn point((x, y): (f64, f64)) -> String {
    format!("{} {}", coordinate(x), coordinate(y))
}
