//! Passwords for commands: from a prompt or one line of standard input, never an argument that others could see.

use std::io::{self, BufRead, IsTerminal};

use anyhow::Context;

use super::WrongUse;
use crate::auth::password;

/// Longer than the longest password in any encoding.
const LONGEST_LINE: u64 = 8_192;

/// A new password for somebody of this e-mail and name, hashed.
pub(super) fn new_hash(from_stdin: bool, about: &[&str]) -> anyhow::Result<String> {
    let typed = if from_stdin { one_line(io::stdin().lock())? } else { prompt()? };
    if let Err(problem) = password::check(&typed, about) {
        anyhow::bail!("{problem}");
    }
    password::hash_blocking(&typed)
}

fn prompt() -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        let sentence =
            "a password is asked for at a terminal; without one, give it on standard input with --password-stdin";
        return Err(WrongUse(sentence.to_owned()).into());
    }
    let typed = rpassword::prompt_password("Password: ").context("the password can't be read")?;
    let again = rpassword::prompt_password("The same again: ").context("the password can't be read")?;
    anyhow::ensure!(typed == again, "the two passwords differ");
    Ok(typed)
}

/// The first line without its line break; everything else in it counts.
fn one_line(input: impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    input.take(LONGEST_LINE).read_line(&mut line).context("the password on standard input can't be read")?;
    if line.ends_with('\n') {
        line.pop();
        if line.ends_with('\r') {
            line.pop();
        }
    }
    anyhow::ensure!(!line.is_empty(), "there is no password on standard input");
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_read_exactly() {
        let read = |text: &str| one_line(text.as_bytes()).ok();
        assert_eq!(read(" two words \nmore"), Some(" two words ".to_owned()));
        assert_eq!(read("secret\r\n"), Some("secret".to_owned()));
        assert_eq!(read("secret"), Some("secret".to_owned()));
        assert_eq!(read("\n"), None);
        assert_eq!(read(""), None);
    }
}
