//! Functions that the standard library lacks.

/// A count as a real number.
#[allow(clippy::cast_precision_loss, reason = "nobody has 2^53 of anything")]
pub(super) fn real(count: usize) -> f64 {
    count as f64
}

/// An amount as a real number.
#[allow(clippy::cast_precision_loss, reason = "amounts stay below 1e15, and figures count with 15 digits")]
pub(super) fn amount(minor_units: i64) -> f64 {
    minor_units as f64
}

const LANCZOS: [f64; 8] = [
    676.520_368_121_885_1,
    -1_259.139_216_722_402_8,
    771.323_428_777_653_1,
    -176.615_029_162_140_6,
    12.507_343_278_686_905,
    -0.138_571_095_265_720_12,
    9.984_369_578_019_572e-6,
    1.505_632_735_149_311_6e-7,
];

/// ln Γ(z) of a positive number, by the approximation of Lanczos (g = 7, nine coefficients), to about 15 digits.
pub(super) fn ln_gamma(z: f64) -> f64 {
    if z < 0.5 {
        return ln_gamma(z + 1.0) - z.ln();
    }
    let z = z - 1.0;
    let terms = LANCZOS.iter().zip(1_u8..).map(|(coefficient, place)| coefficient / (z + f64::from(place)));
    let sum = terms.fold(0.999_999_999_999_809_9, |sum, term| sum + term);
    let t = z + 7.5;
    (z + 0.5) * t.ln() - t + sum.ln() + 0.5 * std::f64::consts::TAU.ln()
}

/// ln Γ(z + n) / Γ(z) of a positive z and an n that is not negative: for whole n, of z (z + 1) … (z + n − 1). The two grow without
/// bounds where their ratio does not, so that it is computed as one, with Stirling's series, to about 15 digits of n ln (z + n).
pub(super) fn ln_rising(z: f64, n: f64) -> f64 {
    // From here on four terms of the series are enough.
    const LARGE: f64 = 16.0;
    let (mut z, mut below) = (z, 0.0);
    while z < LARGE {
        below -= (n / z).ln_1p();
        z += 1.0;
    }
    let rest = |z: f64| {
        let square = z * z;
        (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square) / z
    };
    below + (z - 0.5) * (n / z).ln_1p() + n * ((z + n).ln() - 1.0) + rest(z + n) - rest(z)
}

/// ln (eˣ + eʸ) without overflow; either may be minus infinity.
pub(super) fn ln_add_exp(x: f64, y: f64) -> f64 {
    let (less, more) = if x < y { (x, y) } else { (y, x) };
    if less == f64::NEG_INFINITY { more } else { more + (less - more).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gamma_function_is_that_of_factorials() {
        let mut factorial = 0.0;
        for n in 1_u16..2_000 {
            assert!((ln_gamma(f64::from(n)) - factorial).abs() <= 2e-14 * f64::max(1.0, factorial), "{n}");
            factorial += f64::from(n).ln();
        }
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-14);
        // scipy.special.gammaln
        for (z, expected) in [(1e-9, 20.723_265_836_369_195), (0.243, 1.318_043_584_699_67), (1e8, 1_742_068_066.103_834_9)] {
            assert!((ln_gamma(z) / expected - 1.0).abs() < 1e-13, "{z}: {}", ln_gamma(z));
        }
    }

    #[test]
    fn ratios_of_gamma_functions_are_products() {
        for z in [1e-6, 0.243, 1.0, 15.9, 16.0, 300.0, 1e5, 1e9] {
            let mut product = 0.0;
            for n in 0_u16..300 {
                let n = f64::from(n);
                let found = ln_rising(z, n);
                assert!((found - product).abs() <= 1e-14 * (10.0 + n * (z + n).ln().abs()), "{z} {n}: {found} is not {product}");
                product += (z + n).ln();
            }
        }
        assert!((ln_rising(0.7, 4e9) - (ln_gamma(0.7 + 4e9) - ln_gamma(0.7))).abs() < 1e-4);
    }

    #[test]
    fn sums_of_powers_do_not_overflow() {
        assert!((ln_add_exp(1_000.0, 1_000.0) - 1_000.0 - 2.0_f64.ln()).abs() < 1e-12);
        assert_eq!(ln_add_exp(f64::NEG_INFINITY, 3.0).to_bits(), 3.0_f64.to_bits());
        assert_eq!(ln_add_exp(f64::NEG_INFINITY, f64::NEG_INFINITY), f64::NEG_INFINITY);
    }
}
