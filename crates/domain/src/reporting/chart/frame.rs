//! What surrounds every chart: its title and description, its notes, its legend; and which of its figures are drawn.

use super::{
    Chart, ChartKind, HEIGHTS, MAX_CATEGORIES, MAX_HEAT_ROWS, MAX_SERIES, Number, Series, WIDTHS, axis, funnel, gauge, heat,
    lines, number, ring, scatter,
    svg::{Anchor, Label, Svg, rectangle},
    width, words,
};

const MARGIN: f64 = 16.0;
pub const TEXT: f64 = 12.0;
pub const SMALL: f64 = 11.0;
const LINE: f64 = 18.0;
/// The most lines of notes.
const NOTES: usize = 3;
/// The least height of a panel.
const PANEL: f64 = 96.0;
/// How many panels stand above or beside each other.
const PANELS: usize = 4;

/// A part of the picture.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Area {
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// So many parts beside each other.
    #[allow(clippy::cast_precision_loss, reason = "a few parts")]
    pub fn columns(&self, count: usize) -> impl Iterator<Item = Area> + use<> {
        let (whole, gap) = (*self, 16.0);
        let width = (whole.width - gap * (count.max(1) - 1) as f64) / count.max(1) as f64;
        (0..count).map(move |place| Area { x: whole.x + place as f64 * (width + gap), width, ..whole })
    }
}

/// What is drawn of a chart.
pub struct Shown<'a> {
    pub chart: &'a Chart,
    /// Width and height of the picture.
    pub size: (f64, f64),
    pub categories: &'a [String],
    pub series: Vec<&'a Series>,
    /// The places of the series that share a scale.
    pub panels: Vec<Vec<usize>>,
    notes: Vec<String>,
}

/// A chart as SVG.
#[must_use]
pub fn draw(chart: &Chart) -> String {
    let size = (f64::from(chart.width.clamp(WIDTHS.0, WIDTHS.1)), f64::from(chart.height.clamp(HEIGHTS.0, HEIGHTS.1)));
    let shown = Shown::of(chart, size);
    let kind = words::kind(chart.kind, chart.language);
    let title = if chart.title.trim().is_empty() { &kind } else { &chart.title };
    let mut svg = Svg::new(size, chart.theme, title, &shown.description(&kind));
    let mut area = Area { x: MARGIN, y: MARGIN, width: size.0 - 2.0 * MARGIN, height: size.1 - 2.0 * MARGIN };
    if !chart.title.trim().is_empty() {
        let at = (area.x, area.y + 14.0);
        svg.label(&Label::new(&chart.title, at, 16.0, svg.ink.text).bold().within(area.width));
        cut_above(&mut area, 28.0);
    }
    shown.write_notes(&mut svg, &mut area);
    if !shown.has_figures() {
        let at = (area.x + area.width / 2.0, area.y + area.height / 2.0);
        let none = words::no_figures(chart.language);
        svg.label(&Label::new(&none, at, 14.0, svg.ink.muted).to(Anchor::Middle).within(area.width));
        return svg.finish();
    }
    match chart.kind {
        ChartKind::Bar | ChartKind::StackedBar | ChartKind::Line | ChartKind::Area => {
            shown.write_legend(&mut svg, &mut area, 0);
            axis::draw(&mut svg, &shown, area);
        }
        ChartKind::Scatter => {
            shown.write_legend(&mut svg, &mut area, 1);
            scatter::draw(&mut svg, &shown, area);
        }
        ChartKind::Donut => ring::draw(&mut svg, &shown, area),
        ChartKind::Funnel => funnel::draw(&mut svg, &shown, area),
        ChartKind::HeatMap => heat::draw(&mut svg, &shown, area),
        ChartKind::Gauge => gauge::draw(&mut svg, &shown, area),
    }
    svg.finish()
}

pub fn cut_above(area: &mut Area, height: f64) {
    area.y += height;
    area.height -= height;
}

impl<'a> Shown<'a> {
    fn of(chart: &'a Chart, size: (f64, f64)) -> Shown<'a> {
        let (width, height) = size;
        let (kind, language) = (chart.kind, chart.language);
        let mut notes = Vec::new();
        let most = match kind {
            ChartKind::Funnel => funnel::most_steps(height),
            ChartKind::Gauge => gauge::MOST,
            _ => MAX_CATEGORIES,
        };
        let categories = &chart.categories[..chart.categories.len().min(most)];
        if categories.len() < chart.categories.len() {
            notes.push(words::first_categories(language, categories.len(), chart.categories.len()));
        }
        let most = if kind == ChartKind::HeatMap { MAX_HEAT_ROWS } else { MAX_SERIES };
        let series: Vec<&Series> = chart.series.iter().take(most).collect();
        if series.len() < chart.series.len() {
            notes.push(words::first_series(language, series.len(), chart.series.len()));
        }
        let mut panels: Vec<Vec<usize>> = Vec::new();
        for (place, own) in series.iter().enumerate() {
            let shares = |panel: &&mut Vec<usize>| series[panel[0]].unit == own.unit;
            match kind {
                ChartKind::Scatter if place == 0 && series.len() > 1 => {}
                ChartKind::Donut | ChartKind::Funnel => panels.push(vec![place]),
                _ => match panels.iter_mut().find(shares) {
                    Some(panel) => panel.push(place),
                    None => panels.push(vec![place]),
                },
            }
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few panels")]
        let room = match kind {
            ChartKind::Gauge => usize::MAX,
            ChartKind::Donut | ChartKind::Funnel => (width / 200.0) as usize,
            _ => ((height - 80.0) / PANEL) as usize,
        };
        let left_out =
            panels.split_off(panels.len().min(room.clamp(1, if kind == ChartKind::Gauge { usize::MAX } else { PANELS })));
        let left_out: Vec<&str> = left_out.into_iter().flatten().map(|place| series[place].label.as_str()).collect();
        if !left_out.is_empty() {
            notes.push(words::left_out(language, &left_out));
        }
        let mut shown = Shown { chart, size, categories, series, panels, notes: Vec::new() };
        if matches!(kind, ChartKind::Donut | ChartKind::Funnel) {
            let all = shown.panels.iter().flat_map(|panel| shown.figures(panel[0]));
            let below = all.filter(|(_, _, value)| *value < 0.0).count();
            if below > 0 {
                notes.push(words::no_negatives(language, below));
            }
        }
        notes.extend(chart.notes.iter().cloned());
        shown.notes = notes;
        shown
    }

    /// A figure and where it lies.
    pub fn figure(&self, series: usize, category: usize) -> Option<(Number, f64)> {
        let own = self.series[series];
        let number = own.values.get(category).copied().flatten()?;
        Some((number, number::position(number, own.unit)?))
    }

    /// The figures that there are of a series, by the places of their categories.
    pub fn figures(&self, series: usize) -> impl Iterator<Item = (usize, Number, f64)> + '_ {
        (0..self.categories.len())
            .filter_map(move |place| self.figure(series, place).map(|(number, value)| (place, number, value)))
    }

    fn has_figures(&self) -> bool {
        self.panels.iter().flatten().any(|series| self.figures(*series).next().is_some())
    }

    /// What a mark is, in words.
    pub fn name(&self, series: usize, category: usize, number: Number) -> String {
        let own = self.series[series];
        words::mark(self.chart.language, &[&self.categories[category], &own.label], &number::exact(number, own.unit))
    }

    fn description(&self, kind: &str) -> String {
        let language = self.chart.language;
        let ends = match self.categories {
            [first, .., last] => Some((first.as_str(), last.as_str())),
            _ => None,
        };
        let mut said = vec![words::categories(language, kind, self.categories.len(), ends)];
        for (place, series) in self.series.iter().enumerate() {
            let by_value = |one: &(usize, Number, f64), other: &(usize, Number, f64)| one.2.total_cmp(&other.2);
            let (least, most) = (self.figures(place).min_by(by_value), self.figures(place).max_by(by_value));
            if let (Some(least), Some(most)) = (least, most) {
                let [least, most] = [least, most].map(|(_, number, _)| number::exact(number, series.unit));
                said.push(words::extent(language, &series.label, &least, &most));
            }
        }
        if !self.has_figures() {
            said.push(words::no_figures(language));
        }
        said.extend(self.notes.iter().cloned());
        said.join(" ")
    }

    fn write_notes(&self, svg: &mut Svg, area: &mut Area) {
        let mut lines: Vec<String> = self.notes.iter().take(NOTES).cloned().collect();
        if let Some(last) = lines.last_mut() {
            for more in self.notes.iter().skip(NOTES) {
                last.push(' ');
                last.push_str(more);
            }
        }
        for note in lines.iter().rev() {
            let at = (area.x, area.bottom() - 2.0);
            svg.label(&Label::new(note, at, SMALL, svg.ink.muted).within(area.width));
            area.height -= 15.0;
        }
        if !lines.is_empty() {
            area.height -= 5.0;
        }
    }

    /// The series, if there are several of them, from a place on.
    fn write_legend(&self, svg: &mut Svg, area: &mut Area, from: usize) {
        let drawn: Vec<usize> = self.panels.iter().flatten().copied().collect();
        // A panel of its own names its only series.
        if self.panels.iter().all(|panel| panel.len() == 1) {
            return;
        }
        let kind = self.chart.kind;
        let entries: Vec<(&str, usize)> = drawn.iter().map(|place| (self.series[*place].label.as_str(), *place)).collect();
        write_legend(svg, area, &entries, |svg, at, place| match kind {
            ChartKind::Line | ChartKind::Area => lines::swatch(svg, at, place),
            ChartKind::Scatter => lines::marker(svg, (at.0 + 6.0, at.1), place - from.min(place), 4.0, None),
            _ => {
                let fill = svg.fill(place);
                svg.shape(&rectangle((at.0, at.1 - 5.0), (11.0, 11.0), &fill));
            }
        });
    }
}

/// Entries beside each other, as many lines as they need, up to a quarter of the height; what has no room is counted.
pub fn write_legend(svg: &mut Svg, area: &mut Area, entries: &[(&str, usize)], swatch: impl Fn(&mut Svg, (f64, f64), usize)) {
    const SWATCH: f64 = 18.0;
    const GAP: f64 = 16.0;
    const MORE: f64 = 44.0;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few lines")]
    let lines = ((area.height * 0.25 / LINE) as usize).max(1);
    let text_room = 190.0_f64.min(area.width - SWATCH - MORE);
    let (mut x, mut line) = (0.0, 0);
    for (number, (label, place)) in entries.iter().enumerate() {
        let own = SWATCH + width::of(&super::svg::cleaned(label), TEXT, false).min(text_room);
        let is_last = number + 1 == entries.len();
        if x > 0.0 && x + own > area.width {
            (x, line) = (0.0, line + 1);
        }
        // Room for how many more there are stays free in the last line.
        if line >= lines || (line + 1 == lines && !is_last && x > 0.0 && x + own + GAP + MORE > area.width) {
            if line >= lines {
                line = lines - 1;
            }
            let rest = format!("+{}", entries.len() - number);
            svg.label(
                &Label::new(&rest, (area.right(), area.y + LINE * at(line) + 9.0), TEXT, svg.ink.muted)
                    .to(Anchor::End)
                    .within(MORE),
            );
            break;
        }
        let (left, middle) = (area.x + x, area.y + LINE * at(line) + 5.0);
        swatch(svg, (left, middle), *place);
        svg.label(&Label::new(label, (left + SWATCH, middle + 4.0), TEXT, svg.ink.text).within(text_room));
        x += own + GAP;
    }
    cut_above(area, LINE * at(line + 1) + 6.0);
}

#[allow(clippy::cast_precision_loss, reason = "a few lines")]
fn at(line: usize) -> f64 {
    line as f64
}
