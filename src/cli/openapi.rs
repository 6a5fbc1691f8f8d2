//! `tableorder openapi`: the document, for generators.

use super::{CliError, say};

pub(super) fn run() -> Result<(), CliError> {
    say(crate::openapi().to_pretty_json()?);
    Ok(())
}
