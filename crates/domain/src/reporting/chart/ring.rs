//! Donuts: parts of a whole, one ring for each series.

use std::f64::consts::{PI, TAU};

use super::{
    Number,
    axis::point,
    frame::{Area, SMALL, Shown, TEXT, write_legend},
    ink::text_on,
    number,
    svg::{Anchor, Label, Svg, coordinate, rectangle},
    width, words,
};

/// How many parts are told apart; the least of more are drawn as one.
const PARTS: usize = 12;
const ROW: f64 = 20.0;
/// The hole as a share of the radius.
const HOLE: f64 = 0.58;

/// A part of a ring: its category, unless it is what is left over.
struct Part {
    category: Option<usize>,
    number: Number,
    value: f64,
}

pub fn draw(svg: &mut Svg, shown: &Shown<'_>, mut area: Area) {
    let rings: Vec<usize> = shown.panels.iter().map(|panel| panel[0]).collect();
    let told = told_apart(shown, &rings);
    if let [only] = rings.as_slice() {
        let parts = parts(shown, *only, &told);
        // A list beside the ring if there is room for both, else a legend above it.
        if area.width >= 380.0 {
            let side = area.height.min(area.width * 0.45);
            ring(svg, shown, *only, &parts, &told, Area { width: side, ..area });
            list(svg, shown, *only, &parts, &told, Area { x: area.x + side + 28.0, width: area.width - side - 28.0, ..area });
            return;
        }
    }
    let is_positive =
        |category: usize| rings.iter().any(|ring| shown.figure(*ring, category).is_some_and(|(_, value)| value > 0.0));
    let others = (0..shown.categories.len()).filter(|category| is_positive(*category) && !told.contains(category)).count();
    let others = (others > 0).then(|| words::more(shown.chart.language, others));
    let mut entries: Vec<(&str, usize)> =
        told.iter().enumerate().map(|(place, category)| (shown.categories[*category].as_str(), place)).collect();
    entries.extend(others.iter().map(|others| (others.as_str(), told.len())));
    write_legend(svg, &mut area, &entries, |svg, (x, y), place| {
        let fill = if place < told.len() { svg.fill(place) } else { svg.ink.rest.to_owned() };
        svg.shape(&rectangle((x, y - 5.0), (11.0, 11.0), &fill));
    });
    for (own, series) in area.columns(rings.len()).zip(&rings) {
        ring(svg, shown, *series, &parts(shown, *series, &told), &told, own);
    }
}

/// The categories with the greatest figures of any ring, in their order.
fn told_apart(shown: &Shown<'_>, rings: &[usize]) -> Vec<usize> {
    let mut shares = vec![0.0_f64; shown.categories.len()];
    for series in rings {
        let whole: f64 = shown.figures(*series).map(|(_, _, value)| value.max(0.0)).sum();
        for (category, _, value) in shown.figures(*series).filter(|(_, _, value)| *value > 0.0) {
            shares[category] = shares[category].max(value / whole);
        }
    }
    let mut order: Vec<usize> = (0..shares.len()).filter(|category| shares[*category] > 0.0).collect();
    if order.len() > PARTS {
        order.sort_by(|one, other| shares[*other].total_cmp(&shares[*one]));
        order.truncate(PARTS - 1);
        order.sort_unstable();
    }
    order
}

fn parts(shown: &Shown<'_>, series: usize, told: &[usize]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let (mut rest, mut exact) = (0.0, Some(0_i64));
    let mut is_more = false;
    for (category, number, value) in shown.figures(series).filter(|(_, _, value)| *value > 0.0) {
        if told.contains(&category) {
            parts.push(Part { category: Some(category), number, value });
            continue;
        }
        is_more = true;
        rest += value;
        exact = match (exact, number) {
            (Some(sum), Number::Whole(own)) => sum.checked_add(own),
            _ => None,
        };
    }
    if is_more {
        parts.push(Part { category: None, number: exact.map_or(Number::Decimal(rest), Number::Whole), value: rest });
    }
    parts
}

fn title(shown: &Shown<'_>, series: usize, part: &Part, told: &[usize], share: f64) -> String {
    let own = shown.series[series];
    let figure = format!("{} ({})", number::exact(part.number, own.unit), number::percentage(share));
    let name = match part.category {
        Some(category) => shown.categories[category].clone(),
        None => rest(shown, series, told),
    };
    words::mark(shown.chart.language, &[&name, &own.label], &figure)
}

fn rest(shown: &Shown<'_>, series: usize, told: &[usize]) -> String {
    let count = shown.figures(series).filter(|(category, _, value)| *value > 0.0 && !told.contains(category)).count();
    words::more(shown.chart.language, count)
}

fn fill(svg: &mut Svg, part: &Part, told: &[usize]) -> String {
    let place = part.category.and_then(|category| told.iter().position(|known| *known == category));
    match place {
        Some(place) => svg.fill(place),
        None => svg.ink.rest.to_owned(),
    }
}

fn ring(svg: &mut Svg, shown: &Shown<'_>, series: usize, parts: &[Part], told: &[usize], area: Area) {
    let radius = (area.width.min(area.height) / 2.0 - 2.0).max(10.0);
    let (x, y) = (area.x + area.width / 2.0, area.y + area.height / 2.0);
    let hole = radius * HOLE;
    let whole: f64 = parts.iter().map(|part| part.value).sum();
    let at = |angle: f64, radius: f64| (x + radius * angle.sin(), y - radius * angle.cos());
    let mut angle = 0.0;
    let mut taken: Vec<(f64, f64, f64)> = Vec::new();
    for part in parts {
        let share = part.value / whole;
        let (from, to) = (angle, angle + share * TAU);
        angle = to;
        let fill = fill(svg, part, told);
        let far = u8::from(to - from > PI);
        let [r, h] = [radius, hole].map(coordinate);
        let path = if share > 0.9999 {
            // A whole turn has no ends; it is drawn as two halves.
            let [top, bottom] = [at(0.0, radius), at(PI, radius)].map(point);
            let [inner_top, inner_bottom] = [at(0.0, hole), at(PI, hole)].map(point);
            format!(
                "M{top}A{r} {r} 0 0 1 {bottom}A{r} {r} 0 0 1 {top}ZM{inner_top}A{h} {h} 0 0 0 {inner_bottom}A{h} {h} 0 0 0 {inner_top}Z"
            )
        } else {
            let [outer, end] = [at(from, radius), at(to, radius)].map(point);
            let [inner, back] = [at(to, hole), at(from, hole)].map(point);
            format!("M{outer}A{r} {r} 0 {far} 1 {end}L{inner}A{h} {h} 0 {far} 0 {back}Z")
        };
        let shape = format!("path d=\"{path}\" fill=\"{fill}\" stroke=\"{}\" stroke-width=\"1.5\"", svg.ink.ground);
        svg.mark(&shape, part.number, &title(shown, series, part, told, share));
        let text = number::percentage(share);
        let middle = f64::midpoint(radius, hole);
        let long = width::of(&text, SMALL, false);
        if !fill.starts_with("url") && radius - hole > long + 4.0 && (to - from) * hole > 18.0 {
            let (x, y) = at(f64::midpoint(from, to), middle);
            // Those of thin neighbours would run into each other.
            if taken
                .iter()
                .any(|(other, height, wide)| (x - other).abs() < f64::midpoint(long, *wide) + 2.0 && (y - height).abs() < SMALL)
            {
                continue;
            }
            taken.push((x, y, long));
            svg.label(&Label::new(&text, (x, y + 4.0), SMALL, text_on(&fill)).to(Anchor::Middle));
        }
    }
    let own = shown.series[series];
    svg.label(&Label::new(&own.label, (x, y + 4.0), TEXT, svg.ink.text).to(Anchor::Middle).within(hole * 1.7));
}

/// The parts beside the ring, with their shares and figures.
fn list(svg: &mut Svg, shown: &Shown<'_>, series: usize, parts: &[Part], told: &[usize], area: Area) {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few lines")]
    let lines = (area.height / ROW) as usize;
    let written = if parts.len() > lines { lines.saturating_sub(1) } else { parts.len() };
    let whole: f64 = parts.iter().map(|part| part.value).sum();
    let texts: Vec<[String; 2]> = parts[..written]
        .iter()
        .map(|part| {
            let brief = number::brief(part.number, shown.series[series].unit, shown.chart.language);
            [number::percentage(part.value / whole), brief]
        })
        .collect();
    let widest = |column: usize| texts.iter().map(|row| width::of(&row[column], TEXT, false)).fold(0.0, f64::max);
    let (share_width, figure_width) = (widest(0), widest(1));
    let room = area.width - 18.0 - share_width - figure_width - 32.0;
    let names: Vec<String> = parts[..written]
        .iter()
        .map(|part| part.category.map_or_else(|| rest(shown, series, told), |category| shown.categories[category].clone()))
        .collect();
    let name_width = names.iter().map(|name| width::of(name, TEXT, false)).fold(0.0, f64::max).min(room);
    #[allow(clippy::cast_precision_loss, reason = "a few lines")]
    let height = |line: usize| ROW * line as f64;
    let top = area.y + (area.height - height(parts.len().min(lines))).max(0.0) / 2.0;
    let (share_end, figure_end) =
        (area.x + 18.0 + name_width + 16.0 + share_width, area.x + 34.0 + name_width + share_width + 16.0 + figure_width);
    for (line, (part, name)) in parts[..written].iter().zip(&names).enumerate() {
        let middle = top + height(line) + ROW / 2.0;
        let fill = fill(svg, part, told);
        svg.shape(&rectangle((area.x, middle - 5.5), (11.0, 11.0), &fill));
        svg.label(&Label::new(name, (area.x + 18.0, middle + 4.0), TEXT, svg.ink.text).within(room));
        svg.label(&Label::new(&texts[line][0], (share_end, middle + 4.0), TEXT, svg.ink.text).to(Anchor::End).bold());
        svg.label(&Label::new(&texts[line][1], (figure_end, middle + 4.0), TEXT, svg.ink.muted).to(Anchor::End));
    }
    if written < parts.len() {
        let more = words::more(shown.chart.language, parts.len() - written);
        svg.label(&Label::new(&more, (area.x + 18.0, top + height(written) + ROW / 2.0 + 4.0), TEXT, svg.ink.muted).within(room));
    }
}
