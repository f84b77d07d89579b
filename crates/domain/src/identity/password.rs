//! What a password must be. Hashing is the API's work.

/// The shortest password taken, in characters (NIST SP 800-63B asks for at least 8).
pub const MIN_LENGTH: usize = 10;
/// The longest, so that hashing cannot be made to cost more than it should.
pub const MAX_LENGTH: usize = 200;

/// Whether a password is long enough and not one that everybody tries first.
#[must_use]
pub fn is_strong(password: &str, email: &str) -> bool {
    const COMMON: &[&str] = &[
        "1234567890",
        "12345678901",
        "123456789012",
        "0123456789",
        "0987654321",
        "qwertyuiop",
        "1q2w3e4r5t",
        "password12",
        "password123",
        "password1234",
        "passw0rd123",
        "iloveyou123",
        "welcome123",
        "administrator",
        "changeme123",
        "letmein1234",
        "qwerty12345",
        "abc1234567",
        "a123456789",
        "woaini1314",
        "woaini520520",
        "1111111111",
        "0000000000",
        "8888888888",
        "6666666666",
    ];
    let length = password.chars().count();
    let folded = password.to_lowercase();
    let local = email.split('@').next().unwrap_or_default();
    let mut characters = folded.chars();
    let first = characters.next();
    let monotonous = characters.all(|character| Some(character) == first);
    (MIN_LENGTH..=MAX_LENGTH).contains(&length)
        && !monotonous
        && !COMMON.contains(&folded.as_str())
        && folded != email
        && (local.chars().count() < MIN_LENGTH || folded != local)
}
