//! Passwords come from a prompt or from standard input, never from the command line, which others can see.

use std::io::{self, IsTerminal};

use super::CliError;

/// The rule for passwords that are set, in characters.
const LENGTH: std::ops::RangeInclusive<usize> = 4..=128;

/// Asks for a new password: twice at a terminal, once through a pipe.
pub(super) fn ask(whose: &str) -> Result<String, CliError> {
    let password = if io::stdin().is_terminal() {
        let password = rpassword::prompt_password(format!("Password for {whose}: "))?;
        if rpassword::prompt_password("Once more: ")? != password {
            return Err("the two passwords differ".into());
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
        Err(format!("a password has {} to {} characters", LENGTH.start(), LENGTH.end()).into())
    }
}
