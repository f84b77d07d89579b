//! Scatter plots: a point for each category that has both figures, its name beside it where there is room.

use super::{
    axis::{Plot, tick_labels, value_axis},
    frame::{Area, SMALL, Shown},
    lines, number,
    scale::Scale,
    svg::{Anchor, Label, Svg, cleaned},
    width, words,
};

/// How many points have names beside them.
const NAMED: usize = 40;

/// A rectangle from its left upper corner to its right lower one.
type Corners = (f64, f64, f64, f64);

pub fn draw(svg: &mut Svg, shown: &Shown<'_>, area: Area) {
    let across = shown.series[0];
    // A single series lies over itself, so that its figures are seen all the same.
    let bottom = Scale::over(shown.figures(0).map(|(_, _, value)| value), false, across.unit, area.width / 90.0);
    let scales: Vec<Scale> = shown
        .panels
        .iter()
        .map(|panel| {
            let values = panel.iter().flat_map(|series| shown.figures(*series).map(|(_, _, value)| value));
            #[allow(clippy::cast_precision_loss, reason = "a few panels")]
            let height = area.height * 0.75 / shown.panels.len() as f64;
            Scale::over(values, false, shown.series[panel[0]].unit, height / 44.0)
        })
        .collect();
    let labels =
        scales.iter().zip(&shown.panels).flat_map(|(scale, panel)| tick_labels(scale, shown.series[panel[0]].unit, shown));
    let margin = labels.map(|label| width::of(&label, SMALL, false)).fold(0.0, f64::max) + 8.0;
    let below = 40.0;
    #[allow(clippy::cast_precision_loss, reason = "a few panels")]
    let height = (area.height - below) / scales.len() as f64;
    let right = width::of(&number::shortly(bottom.most(), across.unit, shown.chart.language), SMALL, false) / 2.0;
    for (place, (scale, panel)) in scales.into_iter().zip(&shown.panels).enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "a few panels")]
        let top = area.y + height * place as f64;
        let heading = super::axis::heading(shown, panel);
        svg.label(&Label::new(&heading, (area.x, top + 9.0), SMALL, svg.ink.muted).within(area.width));
        let inside = Area {
            x: area.x + margin,
            y: top + 20.0,
            width: (area.width - margin - right).max(1.0),
            height: (height - 20.0 - 6.0).max(1.0),
        };
        let plot = Plot { area: inside, scale, band: 0.0 };
        value_axis(svg, &plot, shown.series[panel[0]].unit, shown);
        let x = |value: f64| inside.x + bottom.share(value) * inside.width;
        for tick in &bottom.ticks {
            svg.line((x(*tick), inside.y), (x(*tick), inside.bottom()), svg.ink.grid, 1.0);
        }
        svg.line((inside.x, inside.bottom()), (inside.right(), inside.bottom()), svg.ink.axis, 1.0);
        svg.line((inside.x, inside.y), (inside.x, inside.bottom()), svg.ink.axis, 1.0);
        points(svg, shown, panel, &plot, &x);
        if place + 1 == shown.panels.len() {
            let texts = tick_labels(&bottom, across.unit, shown);
            let mut end = f64::NEG_INFINITY;
            for (text, tick) in texts.iter().zip(&bottom.ticks) {
                let half = width::of(text, SMALL, false) / 2.0;
                if x(*tick) - half >= end + 6.0 {
                    svg.label(&Label::new(text, (x(*tick), inside.bottom() + 16.0), SMALL, svg.ink.muted).to(Anchor::Middle));
                    end = x(*tick) + half;
                }
            }
            let at = (inside.x + inside.width / 2.0, inside.bottom() + 32.0);
            svg.label(&Label::new(&across.label, at, SMALL, svg.ink.muted).to(Anchor::Middle).within(inside.width));
        }
    }
}

fn points(svg: &mut Svg, shown: &Shown<'_>, panel: &[usize], plot: &Plot, x: &impl Fn(f64) -> f64) {
    let across = shown.series[0];
    let from = usize::from(shown.series.len() > 1);
    let mut taken: Vec<Corners> = Vec::new();
    let mut names: Vec<(&str, (f64, f64))> = Vec::new();
    for series in panel {
        for (category, number, value) in shown.figures(*series) {
            let Some((other, along)) = shown.figure(0, category) else { continue };
            let at = (x(along), plot.y(value));
            let own = shown.series[*series];
            let mut figure = format!("{} {}", own.label, number::exact(number, own.unit));
            if from > 0 {
                figure = format!("{} {}, {figure}", across.label, number::exact(other, across.unit));
            }
            let title = words::mark(shown.chart.language, &[&shown.categories[category]], &figure);
            lines::marker(svg, at, *series - from, 4.5, Some((number, &title, Some(other))));
            taken.push((at.0 - 5.0, at.1 - 5.0, at.0 + 5.0, at.1 + 5.0));
            names.push((&shown.categories[category], at));
        }
    }
    if names.len() > NAMED {
        return;
    }
    for (name, (x, y)) in names {
        let name = cleaned(name);
        let name = width::shortened(name.trim(), SMALL, false, 120.0);
        let wide = width::of(&name, SMALL, false);
        let places = [(x + 8.0, y - 7.0), (x - 8.0 - wide, y - 7.0), (x - wide / 2.0, y - 19.0), (x - wide / 2.0, y + 7.0)];
        let free = places.into_iter().map(|(x, y)| (x, y, x + wide, y + 14.0)).find(|one| {
            let inside =
                one.0 >= plot.area.x && one.2 <= plot.area.right() && one.1 >= plot.area.y && one.3 <= plot.area.bottom();
            inside && taken.iter().all(|other| one.2 <= other.0 || other.2 <= one.0 || one.3 <= other.1 || other.3 <= one.1)
        });
        if let Some(free) = free {
            svg.label(&Label::new(&name, (free.0, free.1 + 11.0), SMALL, svg.ink.text).to(Anchor::Start));
            taken.push(free);
        }
    }
}
