//! `version`: prints the client's version.

use super::answer;
use crate::args::VERSION_LINE;
use crate::failure::CommandError;

/// Prints it.
pub(super) fn run() -> Result<(), CommandError> {
    answer(VERSION_LINE)
}
