//! Charts of figures as SVG: plain data in, a picture out. The same chart is the same text to the byte, every label of a document stays inside the
//! picture, and nothing but the figures given is drawn.
//!
//! Drawn here and not by a library, as those that there are measure Chinese with the widths of an embedded Latin font (charts-rs) or leave legends,
//! labels and gaps to the caller (plotters).

mod asked;
mod axis;
mod bars;
mod frame;
mod funnel;
mod gauge;
mod heat;
mod ink;
mod lines;
mod number;
mod ring;
mod scale;
mod scatter;
mod svg;
#[cfg(test)]
mod tests;
mod width;
mod words;

use crate::{choices, model::fault::Language, values::money::Currency};

pub use asked::{AskedChart, CHART};
pub use frame::draw;

/// How many categories are drawn at most.
pub const MAX_CATEGORIES: usize = 200;
/// How many series are drawn at most.
pub const MAX_SERIES: usize = 20;
/// How many rows a heat map has at most: they are told apart by their labels, not by colours.
pub const MAX_HEAT_ROWS: usize = 60;
/// The least and the greatest width, in pixels.
pub const WIDTHS: (u32, u32) = (320, 2_400);
/// The least and the greatest height, in pixels.
pub const HEIGHTS: (u32, u32) = (240, 1_600);

choices! {
    /// What a chart looks like.
    pub enum ChartKind {
        Bar "bar" "Bar chart" "柱状图",
        StackedBar "stacked_bar" "Stacked bar chart" "堆积柱状图",
        Line "line" "Line chart" "折线图",
        Area "area" "Area chart" "面积图",
        Donut "donut" "Donut chart" "环形图",
        Funnel "funnel" "Funnel chart" "漏斗图",
        HeatMap "heat_map" "Heat map" "热力图",
        Scatter "scatter" "Scatter plot" "散点图",
        Gauge "gauge" "Gauge" "仪表盘",
    }
}

choices! {
    /// The colours of a chart.
    pub enum Theme {
        Light "light" "Light" "浅色",
        Dark "dark" "Dark" "深色",
    }
}

/// A figure as the report has it: amounts of money in minor units, shares as a number of which 1 is the whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Whole(i64),
    Decimal(f64),
}

/// What figures are of. Series of different units never share an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Whole numbers: between two of them there are no ticks.
    Integer,
    Number,
    Share,
    Money(Currency),
}

/// Figures that belong together, one for each category.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub label: String,
    pub unit: Unit,
    /// In the order of the categories; none where there is no figure.
    pub values: Vec<Option<Number>>,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    pub kind: ChartKind,
    /// Above the picture; it may be empty.
    pub title: String,
    /// What the categories are.
    pub category_title: String,
    pub categories: Vec<String>,
    /// Whether categories follow each other as time goes: if there is no room, every other label is left out rather than all turned.
    pub is_course: bool,
    /// In a scatter plot the first goes along the bottom. A gauge of two takes the second for the target of the first.
    pub series: Vec<Series>,
    /// What a reader has to know, below the picture.
    pub notes: Vec<String>,
    pub theme: Theme,
    pub language: Language,
    /// In pixels, within [`WIDTHS`].
    pub width: u32,
    /// In pixels, within [`HEIGHTS`].
    pub height: u32,
}
