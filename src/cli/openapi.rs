//! `tableorder openapi`: prints the OpenAPI document, for code generators.

use super::{CliError, print_result};

pub(super) fn run() -> Result<(), CliError> {
    print_result(crate::openapi().to_pretty_json()?);
    Ok(())
}
