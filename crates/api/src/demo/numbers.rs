//! Phone numbers and social credit codes that stand every check.

use super::{
    dice::Dice,
    places::{City, Town},
};

/// Prefixes of Chinese mobiles in use.
const MOBILES: [&str; 22] = [
    "133", "135", "136", "137", "138", "139", "150", "151", "152", "156", "158", "159", "166", "176", "177", "180", "182", "186",
    "187", "188", "189", "199",
];

pub fn chinese_mobile(dice: &mut Dice) -> String {
    let (prefix, rest) = (*dice.pick(&MOBILES), dice.digits(8));
    // Some are typed with blanks, as people do: the API keeps both forms.
    if dice.chance(10) { format!("{prefix} {} {}", &rest[..4], &rest[4..]) } else { format!("+86{prefix}{rest}") }
}

pub fn chinese_landline(dice: &mut Dice, city: &City) -> String {
    let first = dice.between(2, 8);
    let rest = dice.digits(city.landline_digits - 1);
    if dice.chance(10) { format!("0{}-{first}{rest}", city.area_code) } else { format!("+86{}{first}{rest}", city.area_code) }
}

pub fn western(dice: &mut Dice, town: &Town) -> String {
    format!("{}{}", town.phone, dice.digits(town.phone_digits))
}

/// The unified social credit code of the firm of this number in a city (GB 32100-2015). Numbers that differ give codes
/// that differ.
pub fn social_credit_code(number: u64, city: &City) -> String {
    // Coprime to the count of codes, so that neighbours look unlike and no two are alike.
    let organization = format!("{:08}", number.wrapping_mul(61_803_399) % 100_000_000);
    let code = format!("91{}00{organization}{}", city.division, organization_check(&organization));
    let check = credit_check(&code);
    code + &check.to_string()
}

/// The check character of the organization code inside (GB 11714-1997).
fn organization_check(digits: &str) -> char {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits.chars().zip(WEIGHTS).map(|(digit, weight)| digit.to_digit(10).unwrap_or(0) * weight).sum();
    match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        check => char::from_digit(check, 10).unwrap_or('0'),
    }
}

/// C18 = 31 - (sum of Ci * 3^(i-1)) mod 31, where 31 counts as 0 (GB 32100-2015, annex B).
fn credit_check(code: &str) -> char {
    const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let value = |letter: u8| ALPHABET.iter().position(|known| *known == letter).unwrap_or(0);
    let (sum, _) = code.bytes().fold((0, 1), |(sum, weight), letter| (sum + value(letter) * weight, weight * 3 % 31));
    char::from(ALPHABET[(31 - sum % 31) % 31])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::places::{CITIES, TOWNS};
    use farley_domain::values::{phone, social_credit_code as code};

    #[test]
    fn numbers_are_in_the_plan() {
        let mut dice = Dice::of(1, 1);
        for (_, city) in &CITIES {
            for number in [chinese_landline(&mut dice, city), chinese_mobile(&mut dice)] {
                assert!(phone::standardise(&number, "CN").is_ok(), "{number}");
            }
        }
        for (_, town) in &TOWNS {
            let number = western(&mut dice, town);
            assert_eq!(phone::standardise(&number, "CN").as_deref(), Ok(number.as_str()));
        }
    }

    #[test]
    fn social_credit_codes_are_right() {
        for number in 0..1000 {
            let made = social_credit_code(number, &CITIES[0].1);
            assert_eq!(code::standardise(&made).as_deref(), Ok(made.as_str()));
        }
    }
}
