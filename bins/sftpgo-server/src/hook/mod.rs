//! What operators name to be run or called from the server: a program, without a shell, or a URL; both within a time limit.
//!
//! Nothing else runs what an operator names, so that how that is started, and where, is decided here.

pub(crate) mod http;
pub(crate) mod launcher;
pub(crate) mod program;
mod programs;

use std::path::PathBuf;

pub(crate) use self::programs::{Program, Programs};

/// What is done when something happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hook {
    Program(PathBuf),
    Url(String),
}
