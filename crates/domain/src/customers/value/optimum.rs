//! The highest point of a smooth function of a few logarithms of parameters.
//!
//! The method of Nelder and Mead (1965) comes near from anywhere. Newton's, with slopes and curvature by central differences and
//! damped as Levenberg and Marquardt do, then finds the place to five digits or more in a few steps.

use super::fit::{Parameter, Unfit};

pub(super) struct Peak<const N: usize> {
    pub at: [f64; N],
    pub height: f64,
    pub iterations: u32,
}

/// How far the logarithms may go from where they start before they are said to run away: a millionfold.
const FAR: f64 = 14.0;

struct Steps<'a> {
    taken: u32,
    budget: u32,
    progress: &'a mut dyn FnMut(u32) -> bool,
}

impl Steps<'_> {
    fn next(&mut self) -> Result<(), Unfit> {
        if self.taken >= self.budget {
            return Err(Unfit::DidNotConverge { iterations: self.taken });
        }
        self.taken += 1;
        if (self.progress)(self.taken) { Ok(()) } else { Err(Unfit::Stopped { iterations: self.taken }) }
    }
}

/// The highest point. Starts at zero; `names` and `scales` say what each logarithm is of: the parameter is the scale times its
/// exponential.
pub(super) fn climb<const N: usize>(
    height: &dyn Fn(&[f64; N]) -> f64,
    names: [Parameter; N],
    scales: [f64; N],
    budget: u32,
    progress: &mut dyn FnMut(u32) -> bool,
) -> Result<Peak<N>, Unfit> {
    let at_parameters = |logs: &[f64; N]| {
        // Twice as far is out of reach even for steps that try things out.
        if logs.iter().any(|log| log.abs() > 2.0 * FAR) {
            return f64::NEG_INFINITY;
        }
        let height = height(&parameters(logs, scales));
        if height.is_nan() { f64::NEG_INFINITY } else { height }
    };
    let mut steps = Steps { taken: 0, budget, progress };
    let near = amble(&at_parameters, &mut steps)?;
    let mut peak = polish(&at_parameters, near, &mut steps, |at, bound| {
        let farthest = (0..N).max_by(|one, other| at[*one].abs().total_cmp(&at[*other].abs()))?;
        let away = || Unfit::RanAway { parameter: names[farthest], value: parameters(at, scales)[farthest] };
        (at[farthest].abs() > bound).then(away)
    })?;
    peak.at = parameters(&peak.at, scales);
    Ok(peak)
}

fn parameters<const N: usize>(logs: &[f64; N], scales: [f64; N]) -> [f64; N] {
    std::array::from_fn(|place| scales[place] * logs[place].exp())
}

/// Reflects, stretches and shrinks a simplex until its corners are about equally high.
fn amble<const N: usize>(height: &dyn Fn(&[f64; N]) -> f64, steps: &mut Steps<'_>) -> Result<[f64; N], Unfit> {
    let corner = |at: [f64; N]| (at, height(&at));
    let mut corners: Vec<([f64; N], f64)> = Vec::from([corner([0.0; N])]);
    corners.extend((0..N).map(|axis| corner(std::array::from_fn(|place| if place == axis { 1.0 } else { 0.0 }))));
    for _ in 0..100 * N {
        corners.sort_by(|one, other| other.1.total_cmp(&one.1));
        let (best, (worst, lowest)) = (corners[0], corners[N]);
        if best.1 - lowest < 1e-6 {
            break;
        }
        steps.next()?;
        let centre: [f64; N] =
            std::array::from_fn(|place| corners[..N].iter().map(|(at, _)| at[place]).sum::<f64>() / super::special::real(N));
        let along = |reach: f64| corner(std::array::from_fn(|place| centre[place] + reach * (centre[place] - worst[place])));
        let reflected = along(1.0);
        let better = if reflected.1 > best.1 {
            let stretched = along(2.0);
            Some(if stretched.1 > reflected.1 { stretched } else { reflected })
        } else if reflected.1 > corners[N - 1].1 {
            Some(reflected)
        } else {
            let shrunk = along(if reflected.1 > lowest { 0.5 } else { -0.5 });
            Some(shrunk).filter(|shrunk| shrunk.1 > lowest)
        };
        match better {
            Some(better) => corners[N] = better,
            None => {
                for other in &mut corners[1..] {
                    *other = corner(std::array::from_fn(|place| f64::midpoint(best.0[place], other.0[place])));
                }
            }
        }
    }
    corners.sort_by(|one, other| other.1.total_cmp(&one.1));
    Ok(corners[0].0)
}

fn polish<const N: usize>(
    height: &dyn Fn(&[f64; N]) -> f64,
    start: [f64; N],
    steps: &mut Steps<'_>,
    away: impl Fn(&[f64; N], f64) -> Option<Unfit>,
) -> Result<Peak<N>, Unfit> {
    let (mut at, mut level, mut damping) = (start, height(&start), 0.0);
    loop {
        if let Some(away) = away(&at, FAR) {
            return Err(away);
        }
        steps.next()?;
        let slopes = slopes(height, &at);
        let curvature = curvature(height, &at, level);
        loop {
            let tried = solve(&curvature, damping, &slopes).map(|step| {
                let longest = step.iter().fold(0.0_f64, |most, part| most.max(part.abs()));
                let share = f64::min(1.0, 2.0 / longest.max(f64::MIN_POSITIVE));
                let next: [f64; N] = std::array::from_fn(|place| at[place] + share * step[place]);
                (longest, next, height(&next))
            });
            match tried {
                // The step is so short that the place is known, whatever the last digits of the heights say.
                Some((longest, next, reached)) if longest < 1e-5 && damping < 1e-3 => {
                    let (at, height) = if reached > level { (next, reached) } else { (at, level) };
                    return Ok(Peak { at, height, iterations: steps.taken });
                }
                Some((_, next, reached)) if reached > level => {
                    (at, level) = (next, reached);
                    damping = if damping < 1e-8 { 0.0 } else { damping / 10.0 };
                    break;
                }
                // No step leads higher. On the way to nowhere that is because it is so flat there that only the last digits
                // differ.
                Some(_) | None if damping > 1e6 => {
                    return Err(away(&at, FAR / 2.0).unwrap_or(Unfit::DidNotConverge { iterations: steps.taken }));
                }
                Some(_) | None => damping = f64::max(1e-8, damping * 10.0),
            }
        }
    }
}

fn moved<const N: usize>(at: &[f64; N], moves: &[(usize, f64)]) -> [f64; N] {
    let mut moved = *at;
    for (place, by) in moves {
        moved[*place] += by;
    }
    moved
}

fn slopes<const N: usize>(height: &dyn Fn(&[f64; N]) -> f64, at: &[f64; N]) -> [f64; N] {
    const WIDTH: f64 = 1e-4;
    std::array::from_fn(|place| (height(&moved(at, &[(place, WIDTH)])) - height(&moved(at, &[(place, -WIDTH)]))) / (2.0 * WIDTH))
}

/// Downwards: what the slopes lose along each axis.
fn curvature<const N: usize>(height: &dyn Fn(&[f64; N]) -> f64, at: &[f64; N], level: f64) -> [[f64; N]; N] {
    const WIDTH: f64 = 1e-3;
    let mut curvature: [[f64; N]; N] = std::array::from_fn(|row| {
        let (above, below) = (height(&moved(at, &[(row, WIDTH)])), height(&moved(at, &[(row, -WIDTH)])));
        std::array::from_fn(|column| if row == column { (2.0 * level - above - below) / (WIDTH * WIDTH) } else { 0.0 })
    });
    for (row, column) in (0..N).flat_map(|row| (0..row).map(move |column| (row, column))) {
        let at = |up: f64, right: f64| height(&moved(at, &[(row, up * WIDTH), (column, right * WIDTH)]));
        let mixed = (at(1.0, -1.0) + at(-1.0, 1.0) - at(1.0, 1.0) - at(-1.0, -1.0)) / (4.0 * WIDTH * WIDTH);
        curvature[row][column] = mixed;
        curvature[column][row] = mixed;
    }
    curvature
}

/// The solution of (matrix + damping) · x = right, by Cholesky; none if what is damped is not positive definite.
fn solve<const N: usize>(matrix: &[[f64; N]; N], damping: f64, right: &[f64; N]) -> Option<[f64; N]> {
    let mut lower = [[0.0; N]; N];
    for row in 0..N {
        for column in 0..=row {
            let known: f64 = (0..column).map(|place| lower[row][place] * lower[column][place]).sum();
            let rest = matrix[row][column] - known;
            lower[row][column] = if row == column {
                // Not more than noise.
                Some((rest + damping).sqrt()).filter(|root| *root > 1e-6)?
            } else {
                rest / lower[column][column]
            };
        }
    }
    let mut solution = *right;
    for row in 0..N {
        let known: f64 = (0..row).map(|place| lower[row][place] * solution[place]).sum();
        solution[row] = (solution[row] - known) / lower[row][row];
    }
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|place| lower[place][row] * solution[place]).sum();
        solution[row] = (solution[row] - known) / lower[row][row];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_a_bent_ridge_is_found() {
        // Rosenbrock's valley, upside down and in logarithms: the top is where both parameters are e.
        let ridge = |at: &[f64; 2]| {
            let (x, y) = (at[0].ln(), at[1].ln());
            -(1.0 - x).powi(2) - 100.0 * (y - x * x).powi(2)
        };
        let mut seen = 0;
        let peak = climb(&ridge, [Parameter::A, Parameter::B], [1.0, 1.0], 1_000, &mut |step| {
            seen = step;
            true
        });
        let peak = peak.unwrap();
        assert!(peak.at.iter().all(|found| (found - std::f64::consts::E).abs() < 1e-4), "{:?}", peak.at);
        assert_eq!(seen, peak.iterations);
    }

    #[test]
    fn what_rises_for_ever_runs_away() {
        let slope = |at: &[f64; 2]| -1.0 / at[1] - (at[0] - 1.0).powi(2);
        let found = climb(&slope, [Parameter::A, Parameter::B], [1.0, 1.0], 1_000, &mut |_| true).err();
        assert!(matches!(found, Some(Unfit::RanAway { parameter: Parameter::B, value }) if value > 1e6), "{found:?}");
    }

    #[test]
    fn steps_are_counted_and_can_be_stopped() {
        let hill = |at: &[f64; 1]| -(at[0] - 3.0).powi(2);
        let stopped = climb(&hill, [Parameter::A], [1.0], 1_000, &mut |step| step < 5).err();
        assert_eq!(stopped, Some(Unfit::Stopped { iterations: 5 }));
        let short = climb(&hill, [Parameter::A], [1.0], 3, &mut |_| true).err();
        assert_eq!(short, Some(Unfit::DidNotConverge { iterations: 3 }));
    }
}
