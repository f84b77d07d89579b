//! Axes of numbers: ticks at 1, 2 or 5 times a power of ten, and where a number lies between them.

use super::Unit;

/// An axis from its first to its last tick.
#[derive(Clone, Debug)]
pub struct Scale {
    pub ticks: Vec<f64>,
    pub step: f64,
}

impl Scale {
    /// Over all these numbers, with about so many ticks. Where lengths stand for figures it begins at zero.
    pub fn over(values: impl Iterator<Item = f64>, from_zero: bool, unit: Unit, ticks: f64) -> Scale {
        let (mut least, mut most) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)));
        if least > most {
            (least, most) = (0.0, 1.0);
        }
        // Numbers close to each other and far from zero are looked at closely.
        let far = (most - least) < 0.4 * least.abs().max(most.abs()) && least.signum() == most.signum();
        if from_zero || !far {
            (least, most) = (least.min(0.0), most.max(0.0));
        }
        if most - least <= f64::EPSILON * most.abs().max(least.abs()) * 16.0 {
            let spread = if most == 0.0 { 1.0 } else { most.abs() * 0.1 };
            (least, most) = (least - if from_zero || least == 0.0 { 0.0 } else { spread }, most + spread);
        }
        let mut step = nice((most - least) / ticks.clamp(2.0, 10.0));
        if unit == Unit::Integer {
            step = step.max(1.0);
        }
        let (first, last) = ((least / step + 1e-9).floor(), (most / step - 1e-9).ceil());
        let count = (last - first).clamp(1.0, 24.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few ticks")]
        let ticks = (0..=count as u32).map(|place| (first + f64::from(place)) * step).collect();
        Scale { ticks, step }
    }

    pub fn least(&self) -> f64 {
        self.ticks.first().copied().unwrap_or(0.0)
    }

    pub fn most(&self) -> f64 {
        self.ticks.last().copied().unwrap_or(1.0)
    }

    /// Where a number lies: 0 at the first tick, 1 at the last.
    pub fn share(&self, value: f64) -> f64 {
        ((value - self.least()) / (self.most() - self.least())).clamp(0.0, 1.0)
    }

    /// The place that lengths begin at.
    pub fn zero(&self) -> f64 {
        self.share(0.0)
    }
}

/// The least of 1, 2 and 5 times a power of ten that is not less.
fn nice(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factor = step / power;
    let nice = [1.0, 2.0, 5.0].into_iter().find(|nice| factor <= nice * (1.0 + 1e-9)).unwrap_or(10.0);
    nice * power
}
