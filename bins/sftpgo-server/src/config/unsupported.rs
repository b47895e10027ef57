//! Keys of SFTPGo 0.9.1 to 0.9.6 that this server knows and does not do what they ask for.
//!
//! Such a key at its default asks for nothing. At another value the start stops: an operator who keeps users away by a
//! program must not get a server without it.

use serde_json::Value;

use super::{
    Problem,
    keys::{DataProvider, Keys},
    schema,
    validate::Check,
};

/// Warns of what SFTPGo would do more, where leaving it out harms nobody: with the memory provider it reads a dump of users
/// from the file that is the database's name otherwise.
pub(super) fn passed_over(values: &Value) -> Option<Problem> {
    let text = |key| schema::leaf(values, key).and_then(Value::as_str);
    let name = text("data_provider.name")?;
    let is_set = !name.is_empty() && name != DataProvider::default().name;
    (text("data_provider.driver") == Some("memory") && is_set).then(|| {
        Problem::new(
            "data_provider.name",
            "is not read with the driver memory: import a dump of users with sftpgo-cli user import",
        )
    })
}

/// Warns of an empty list of proxies, with which SFTPGo before 2.5 believed everybody.
pub(super) fn believes_nobody(values: &Value) -> Option<Problem> {
    let mode = |section: &str| {
        let key = format!("{section}.proxy_protocol");
        schema::leaf(values, &key)
            .and_then(Value::as_i64)
            .unwrap_or(0)
    };
    let section = if mode("common") == 0 {
        "sftpd"
    } else {
        "common"
    };
    let consequence = match mode(section) {
        1 => "no PROXY header is believed, and clients are known by the address of their proxy",
        2 => "every connection is refused",
        _ => return None,
    };
    let key = format!("{section}.proxy_allowed");
    let is_empty = schema::leaf(values, &key)?.as_array()?.is_empty();
    is_empty.then(|| {
        Problem::new(
            &key,
            format!("is empty, so {consequence}: name the proxies there"),
        )
    })
}

impl Check<'_> {
    /// Tells of every key that asks for what is not done.
    pub(super) fn unsupported(&mut self, keys: &Keys) {
        let (sftpd, data_provider) = (&keys.sftpd, &keys.data_provider);
        for (key, program, what) in [
            (
                "sftpd.keyboard_interactive_auth_program",
                &sftpd.keyboard_interactive_auth_program,
                "questions that a program asks at the login",
            ),
            (
                "data_provider.external_auth_program",
                &data_provider.external_auth_program,
                "logins that a program decides",
            ),
            (
                "data_provider.pre_login_program",
                &data_provider.pre_login_program,
                "changes of a user by a program before the login",
            ),
        ] {
            if !program.is_empty() {
                self.planned(key, what, "\"\"");
            }
        }
        self.range(
            "data_provider.external_auth_scope",
            data_provider.external_auth_scope,
            7,
        );
    }

    pub(super) fn planned(&mut self, key: &str, what: &str, default: &str) {
        self.problem(
            key,
            format_args!(
                "this version does not offer {what}, but a later one is planned to; set the key to {default} or leave it out"
            ),
        );
    }
}
