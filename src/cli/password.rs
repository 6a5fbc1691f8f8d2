//! Reads a password from a prompt or from standard input, never from the command line, which other users can see.

use std::io::{self, IsTerminal};

use super::CliError;

/// The permitted length of a new password, in characters.
const LENGTH: std::ops::RangeInclusive<usize> = 4..=128;

/// Reads the new password of `username`: twice at a terminal, once through a pipe.
pub(super) fn ask(username: &str) -> Result<String, CliError> {
    let password = if io::stdin().is_terminal() {
        let password = rpassword::prompt_password(format!("Password for {username}: "))?;
        if rpassword::prompt_password("Repeat the password: ")? != password {
            return Err("the two passwords differ; try again".into());
        }
        password
    } else {
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        line.trim_end_matches(['\n', '\r']).to_owned()
    };
    if LENGTH.contains(&password.chars().count()) {
        Ok(password)
    } else {
        Err(format!("a password must have {} to {} characters", LENGTH.start(), LENGTH.end()).into())
    }
}
