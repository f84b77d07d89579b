//! Lines and areas: a gap where there is no figure, a mark at each figure that there is.

use super::{
    Number,
    axis::{Plot, point},
    frame::Shown,
    svg::{Svg, coordinate, in_json},
};
use crate::reporting::chart::ChartKind;

/// How lines are drawn that have the colours of others.
const DASHES: [&str; 3] = ["", " stroke-dasharray=\"6 4\"", " stroke-dasharray=\"2 3\""];

pub fn draw(svg: &mut Svg, shown: &Shown<'_>, panel: &[usize], plot: &Plot) {
    let is_area = shown.chart.kind == ChartKind::Area;
    if is_area {
        for series in panel {
            for run in runs(shown, *series, plot) {
                let mut path = format!("M{} {}", coordinate(run[0].0), coordinate(plot.zero()));
                for at in &run {
                    path.push('L');
                    path.push_str(&point(*at));
                }
                path += &format!("L{} {}Z", coordinate(run[run.len() - 1].0), coordinate(plot.zero()));
                let opacity = if panel.len() == 1 { "0.35" } else { "0.22" };
                svg.shape(&format!("path d=\"{path}\" fill=\"{}\" fill-opacity=\"{opacity}\"", svg.colour(*series)));
            }
        }
    }
    for series in panel {
        for run in runs(shown, *series, plot).into_iter().filter(|run| run.len() > 1) {
            let points: Vec<String> = run.into_iter().map(point).collect();
            svg.shape(&format!(
                "path d=\"M{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-linejoin=\"round\"{}",
                points.join("L"),
                svg.colour(*series),
                dash(svg, *series)
            ));
        }
        let radius = if plot.band >= 14.0 { 3.5 } else { (plot.band / 4.0).clamp(0.8, 3.0) };
        for (category, number, value) in shown.figures(*series) {
            let title = shown.name(*series, category, number);
            marker(svg, (plot.x(category), plot.y(value)), *series, radius, Some((number, &title, None)));
        }
    }
}

/// The stretches of points without a gap.
fn runs(shown: &Shown<'_>, series: usize, plot: &Plot) -> Vec<Vec<(f64, f64)>> {
    let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut last = None;
    for (category, _, value) in shown.figures(series) {
        let at = (plot.x(category), plot.y(value));
        match runs.last_mut() {
            Some(run) if last.is_some_and(|last: usize| last + 1 == category) => run.push(at),
            _ => runs.push(vec![at]),
        }
        last = Some(category);
    }
    runs
}

fn dash(svg: &Svg, series: usize) -> &'static str {
    DASHES[(series / svg.ink.palette.len()).min(DASHES.len() - 1)]
}

/// A mark of a series: its shape tells it from others where colours do not.
pub fn marker(svg: &mut Svg, (x, y): (f64, f64), series: usize, radius: f64, figure: Option<(Number, &str, Option<Number>)>) {
    let r = radius;
    let path = |points: &[(f64, f64)]| {
        let points: Vec<String> = points.iter().map(|(dx, dy)| point((x + dx * r, y + dy * r))).collect();
        format!("path d=\"M{}Z\"", points.join("L"))
    };
    let shape = match series % 4 {
        0 => format!("circle cx=\"{}\" cy=\"{}\" r=\"{}\"", coordinate(x), coordinate(y), coordinate(r)),
        1 => path(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
        2 => path(&[(0.0, -1.25), (1.15, 0.85), (-1.15, 0.85)]),
        _ => path(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]),
    };
    let shape = format!("{shape} fill=\"{}\"", svg.colour(series));
    match figure {
        // What it has along the bottom, if that is a figure too.
        Some((number, title, Some(across))) => svg.mark(&format!("{shape} data-x=\"{}\"", in_json(across)), number, title),
        Some((number, title, None)) => svg.mark(&shape, number, title),
        None => svg.shape(&shape),
    }
}

/// A piece of a line, for the legend.
pub fn swatch(svg: &mut Svg, (x, y): (f64, f64), series: usize) {
    let [from, to, height] = [x, x + 14.0, y].map(coordinate);
    svg.shape(&format!(
        "line x1=\"{from}\" y1=\"{height}\" x2=\"{to}\" y2=\"{height}\" stroke=\"{}\" stroke-width=\"2\"{}",
        svg.colour(series),
        dash(svg, series)
    ));
    marker(svg, (x + 7.0, y), series, 3.5, None);
}
