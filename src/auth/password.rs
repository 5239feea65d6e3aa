//! Passwords: argon2id, off the async threads, two at a time so that a flood of sign-ins stays within memory.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

use crate::db::DbError;

/// Each hash takes 19 MiB (OWASP's first recommendation for argon2id): two at once are enough for two processors.
static SLOTS: Semaphore = Semaphore::const_new(2);

const MEMORY_KIB: u32 = 19 * 1024;
const FEWEST: usize = 8;
const MOST: usize = 1_000;

/// Verified where there is no such user, so that the answer takes the same time. No password has this hash.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password can't be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    #[error("Choose a password of at least 8 characters")]
    TooShort,
    #[error("A password can have at most 1,000 characters")]
    TooLong,
    #[error("This password is easy to guess: choose a longer one, for instance a few words that don't belong together")]
    Guessable,
}

/// Whether a password can be chosen by somebody of this e-mail and name.
///
/// # Errors
/// What is wrong with it.
pub fn check(password: &str, about: &[&str]) -> Result<(), PasswordProblem> {
    match password.chars().count() {
        ..FEWEST => return Err(PasswordProblem::TooShort),
        count if count > MOST => return Err(PasswordProblem::TooLong),
        _ => {}
    }
    // The estimate takes longer than it is worth on more than the first hundred characters.
    let beginning: String = password.chars().take(100).collect();
    // Of "Maren Tolliver" each word alone is as easy to guess as both.
    let words = about.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).filter(|word| word.len() > 2);
    let known: Vec<&str> = about.iter().copied().chain(words).collect();
    if zxcvbn::zxcvbn(&beginning, &known).score() < zxcvbn::Score::Two {
        return Err(PasswordProblem::Guessable);
    }
    Ok(())
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, 2, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The form in which passwords are compared: NFC, otherwise exactly as typed.
fn exact(password: &str) -> String {
    password.nfc().collect()
}

/// Hashes a password; for commands. Takes about 30 ms.
///
/// # Errors
/// If there is no randomness for the salt.
pub fn hash_blocking(password: &str) -> anyhow::Result<String> {
    let hash =
        argon2().hash_password(exact(password).as_bytes()).map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    Ok(hash.to_string())
}

/// Hashes a password, off the async threads.
///
/// # Errors
/// If there is no randomness, or the server stops.
pub async fn hash(password: String) -> anyhow::Result<String> {
    let slot = SLOTS.acquire().await?;
    tokio::task::spawn_blocking(move || {
        // Held until the work has ended, also when the request that asked for it is gone.
        let _slot = slot;
        hash_blocking(&password)
    })
    .await?
}

/// Whether a password fits a hash; without a hash it takes as long and says no.
///
/// # Errors
/// If the server stops.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool, DbError> {
    if password.chars().count() > MOST {
        return Ok(false);
    }
    let broken = |error: &dyn std::fmt::Display| DbError::Broken(error.to_string());
    let slot = SLOTS.acquire().await.map_err(|error| broken(&error))?;
    let verified = tokio::task::spawn_blocking(move || {
        let _slot = slot;
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODYS.to_owned());
        let parsed = PasswordHash::new(&hash)?;
        Ok::<_, argon2::password_hash::phc::Error>(
            argon2().verify_password(exact(&password).as_bytes(), &parsed).is_ok() && known,
        )
    });
    verified.await.map_err(|error| broken(&error))?.map_err(|error| broken(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_password_fits_its_hash_exactly() {
        let (composed, decomposed) = ("caf\u{e9} au lait", "cafe\u{301} au lait");
        let hash = hash_blocking(composed).expect("a hash");
        let fits = async |password: &str| verify(password.to_owned(), Some(hash.clone())).await.expect("an answer");
        assert!(fits(composed).await);
        assert!(fits(decomposed).await, "one text, two ways to write it");
        assert!(!fits(" caf\u{e9} au lait").await, "spaces count");
        assert!(!fits("").await);
        assert!(!fits(&"x".repeat(1_001)).await);
    }

    #[actix_web::test]
    async fn nobodys_hash_can_be_read_and_fits_nothing() {
        assert!(!verify("somesalt".to_owned(), None).await.expect("an answer"));
    }

    #[test]
    fn short_long_and_common_passwords_are_refused() {
        assert_eq!(check("1234567", &[]), Err(PasswordProblem::TooShort));
        assert_eq!(check(&"aB3$".repeat(300), &[]), Err(PasswordProblem::TooLong));
        for common in ["password", "12345678", "qwertyuiop", "letmein1", "aaaaaaaa"] {
            assert_eq!(check(common, &[]), Err(PasswordProblem::Guessable), "{common}");
        }
        assert_eq!(check("marentolliver", &["maren", "tolliver"]), Err(PasswordProblem::Guessable));
        assert_eq!(check("marentolliver", &["Maren Tolliver"]), Err(PasswordProblem::Guessable));
        assert_eq!(check("correct horse battery staple", &[]), Ok(()));
    }
}
