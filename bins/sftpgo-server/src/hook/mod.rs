//! What operators name to be run or called from the server: a program, without a shell, or a URL; both within a time limit.
//!
//! Nothing else runs what an operator names, so that how that is started, and where, is decided here.

pub(crate) mod http;
pub(crate) mod launcher;
pub(crate) mod program;
mod programs;

use std::{ffi::OsString, path::PathBuf};

pub(crate) use self::programs::{Program, Programs};
use self::{http::Request, program::Call};

/// What is done when something happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hook {
    Program(PathBuf),
    Url(String),
}

/// What a hook comes to when something happens.
pub(crate) enum Asked {
    Program(Call),
    Url(Request),
}

impl Hook {
    /// What has to be done for the hook of this name. A program is told of what happened by variables, a URL by its query:
    /// `of` has the name of each in turn, and the value.
    pub(crate) fn asked(
        &self,
        programs: &Programs,
        name: &str,
        of: impl IntoIterator<Item = (&'static str, &'static str, String)>,
    ) -> Asked {
        let of = of.into_iter();
        match self {
            Self::Program(path) => {
                let variables = of.map(|(variable, _, value)| (variable.into(), value.into()));
                Asked::Program(programs.call(name, path, Vec::new(), variables.collect()))
            }
            Self::Url(url) => Asked::Url(Request {
                url: url.clone(),
                query: of
                    .map(|(_, parameter, value)| (parameter, OsString::from(value)))
                    .collect(),
                json: None,
            }),
        }
    }
}
