//! Gauges: a figure on half a ring, one for each category and series; a second series of the same unit is the target of the first.

use std::f64::consts::PI;

use super::{
    Unit,
    axis::point,
    frame::{Area, SMALL, Shown, TEXT},
    number,
    scale::Scale,
    svg::{Anchor, Label, Svg, coordinate},
    width, words,
};

/// How many are drawn at most.
pub const MOST: usize = 12;
const HOLE: f64 = 0.72;

/// A dial: its series, its category, and the series of its target.
type Dial = (usize, usize, Option<usize>);

#[allow(clippy::cast_precision_loss, reason = "a few dials")]
pub fn draw(svg: &mut Svg, shown: &Shown<'_>, area: Area) {
    let has_target = matches!(shown.series.as_slice(), [value, target] if value.unit == target.unit);
    let series: Vec<usize> = if has_target { vec![0] } else { (0..shown.series.len()).collect() };
    let dials: Vec<Dial> = (0..shown.categories.len())
        .flat_map(|category| series.iter().map(move |series| (*series, category, has_target.then_some(1))))
        .take(MOST)
        .collect();
    // As many beside each other as make the dials largest.
    let size = |columns: usize| {
        let rows = dials.len().div_ceil(columns);
        (area.width / columns as f64 / 1.6).min(area.height / rows as f64)
    };
    let columns = (1..=dials.len()).max_by(|one, other| size(*one).total_cmp(&size(*other)).then(other.cmp(one))).unwrap_or(1);
    let (width, height) = (area.width / columns as f64, area.height / dials.len().div_ceil(columns) as f64);
    for (place, dial) in dials.iter().enumerate() {
        let (column, row) = ((place % columns) as f64, (place / columns) as f64);
        one(svg, shown, *dial, Area { x: area.x + width * column, y: area.y + height * row, width, height });
    }
}

fn one(svg: &mut Svg, shown: &Shown<'_>, (series, category, target): Dial, area: Area) {
    let (language, own) = (shown.chart.language, shown.series[series]);
    let figure = shown.figure(series, category);
    let target = target.and_then(|target| shown.figure(target, category));
    let scale = scale_of(own.unit, figure.map(|(_, value)| value), target.map(|(_, value)| value));
    // Below the half ring: its ends, its name, and its target.
    let below = if target.is_some() { 50.0 } else { 36.0 };
    let radius = ((area.width - 24.0) / 2.0).min(area.height - below - 8.0).clamp(12.0, 220.0);
    let (x, y) = (area.x + area.width / 2.0, area.y + f64::midpoint(area.height - below - radius, 0.0).max(2.0) + radius);
    let hole = radius * HOLE;
    let at = |share: f64, radius: f64| (x - radius * (share * PI).cos(), y - radius * (share * PI).sin());
    let arc = |from: f64, to: f64| {
        let [outer, end, inner, back] = [at(from, radius), at(to, radius), at(to, hole), at(from, hole)].map(point);
        let [r, h] = [radius, hole].map(coordinate);
        format!("path d=\"M{outer}A{r} {r} 0 0 1 {end}L{inner}A{h} {h} 0 0 0 {back}Z\"")
    };
    svg.shape(&format!("{} fill=\"{}\"", arc(0.0, 1.0), svg.ink.empty));
    if let Some((number, value)) = figure {
        let (zero, place) = (scale.zero(), scale.share(value));
        let fill = svg.fill(series);
        let shape = format!("{} fill=\"{fill}\"", arc(zero.min(place), zero.max(place)));
        svg.mark(&shape, number, &shown.name(series, category, number));
    }
    let brief = figure.map_or_else(|| "–".to_owned(), |(number, _)| number::brief(number, own.unit, language));
    let size = (hole * 0.42).clamp(12.0, 40.0);
    svg.label(&Label::new(&brief, (x, y - hole * 0.08), size, svg.ink.text).to(Anchor::Middle).bold().within(hole * 1.7));
    let ends = number::of_ticks(&[scale.least(), scale.most()], scale.step, own.unit, language);
    let middle_of_ring = f64::midpoint(radius, hole);
    for (end, label) in [(x - middle_of_ring, &ends[0]), (x + middle_of_ring, &ends[1])] {
        // Neither over the other end nor out of its part of the picture.
        let room = 2.0 * (area.right() - x - middle_of_ring).min(middle_of_ring) - 4.0;
        if width::of(label, SMALL, false) <= room {
            svg.label(&Label::new(label, (end, y + 14.0), SMALL, svg.ink.muted).to(Anchor::Middle));
        }
    }
    let category = shown.categories[category].trim();
    let name = match (category.is_empty(), shown.series.len() > 1 && target.is_none()) {
        (true, _) => own.label.clone(),
        (false, true) => format!("{category} · {}", own.label),
        (false, false) => category.to_owned(),
    };
    svg.label(&Label::new(&name, (x, y + 30.0), TEXT, svg.ink.text).to(Anchor::Middle).within(area.width - 8.0));
    if let Some((number, value)) = target {
        let place = scale.share(value);
        let text = words::target(language, &number::brief(number, own.unit, language));
        let [from, to] = [at(place, hole - 4.0), at(place, radius + 4.0)];
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(coordinate);
        let shape =
            format!("line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"{}\" stroke-width=\"3\"", svg.ink.text);
        svg.mark(&shape, number, &words::target(language, &number::exact(number, own.unit)));
        svg.label(&Label::new(&text, (x, y + 46.0), SMALL, svg.ink.muted).to(Anchor::Middle).within(area.width - 8.0));
    }
}

/// Shares of a whole go up to the whole, all else to a round number beyond the figure and its target.
fn scale_of(unit: Unit, value: Option<f64>, target: Option<f64>) -> Scale {
    let values: Vec<f64> = value.into_iter().chain(target).collect();
    if unit == Unit::Share && values.iter().all(|value| (0.0..=1.0).contains(value)) {
        return Scale { ticks: vec![0.0, 1.0], step: 1.0 };
    }
    Scale::over(values.into_iter(), true, unit, 5.0)
}
