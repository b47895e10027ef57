//! A question what a user may do, and its answer.

use serde::Serialize;
use sftpgo_core::{
    VirtualPath,
    explain::{Action, Question, Verdict},
};

use super::{decoded, once};
use crate::error::ApiError;

/// The answer; names that are not UTF-8 are shown with replacement characters.
#[derive(Debug, Serialize)]
pub(crate) struct ExplanationAnswer {
    username: String,
    operation: &'static str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    allowed: bool,
    rule: &'static str,
    permissions: Vec<&'static str>,
    reason: String,
}

impl ExplanationAnswer {
    pub(crate) fn new(username: String, question: &Question, verdict: Verdict) -> Self {
        let text = |path: &VirtualPath| path.to_string_lossy().into_owned();
        Self {
            username,
            operation: question.action().name(),
            path: text(question.path()),
            target: question.target().map(text),
            allowed: verdict.allowed,
            rule: verdict.rule.name(),
            permissions: verdict.rule.permissions().names_on_wire(),
            reason: verdict.reason,
        }
    }
}

/// The question in `query`. Paths are bytes: they are decoded here, where a parser of forms would replace what is
/// not UTF-8. Parameters it does not know pass; one given twice does not.
pub(crate) fn parse(query: &str) -> Result<Question, ApiError> {
    let mut operation = None;
    let mut path = None;
    let mut target = None;
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match &*decoded(name) {
            b"operation" => once(&mut operation, "operation", decoded(value))?,
            b"path" => once(&mut path, "path", decoded(value))?,
            b"target" => once(&mut target, "target", decoded(value))?,
            _ => {}
        }
    }
    let operation = operation.ok_or_else(|| missing("operation"))?;
    let path = path.ok_or_else(|| missing("path"))?;
    let action = Action::from_name(&String::from_utf8_lossy(&operation))?;
    Ok(Question::new(action, &path, target.as_deref())?)
}

fn missing(name: &str) -> ApiError {
    ApiError::bad_request(format!("{name}: is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_as_bytes() {
        let question = parse("path=/a+b%2B%FF%26&target=%2Fc&operation=rename&other=1").unwrap();
        assert_eq!(question.path().as_bytes(), b"/a b+\xff&");
        assert_eq!(question.target().unwrap().as_bytes(), b"/c");
        assert_eq!(question.action(), Action::Rename);
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for query in [
            "",
            "path=/a",
            "operation=list",
            "path=&operation=list",
            "path=/a&operation=LIST",
            "path=/a&operation=",
            "path=/a&path=/b&operation=list",
            "path=/a%00&operation=list",
            "path=/a&operation=rename",
            "path=/a&operation=rename&target=",
            "path=/a&operation=list&target=/b",
        ] {
            assert!(parse(query).is_err(), "{query} passed");
        }
    }
}
