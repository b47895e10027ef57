//! One log record as one line of JSON.
//!
//! Fail2ban's filters and other parsers of SFTPGo's log go by the order of keys, which is SFTPGo 0.9.4's: `level`,
//! `sender`, the fields of the kind of line, `time`, and `message` where there is one.

use std::io::{self, Write};

use jiff::Timestamp;
use log::{
    Level, Record,
    kv::{self, Key, Value, VisitSource, VisitValue},
};
use serde::ser::{SerializeMap, Serializer};
use sftpgo_audit::escape_unseen;

/// Writes `record` with the time now.
pub(crate) fn write_line(out: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
    let line = line(record, Timestamp::now()).map_err(io::Error::other)?;
    writeln!(out, "{line}")
}

fn line(record: &Record<'_>, time: Timestamp) -> serde_json::Result<String> {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::new(&mut bytes);
    let mut fields = Serializer::serialize_map(&mut serializer, None)?;
    fields.serialize_entry("level", level(record.level()))?;
    fields.serialize_entry("sender", sender(record.target()))?;
    let mut writer = FieldWriter {
        fields: &mut fields,
        failure: None,
    };
    // Stops only at a failure, which the writer remembers.
    let _ = record.key_values().visit(&mut writer);
    if let Some(failure) = writer.failure {
        return Err(failure);
    }
    fields.serialize_entry("time", &format_args!("{time:.3}"))?;
    let message = record.args().to_string();
    if !message.is_empty() {
        fields.serialize_entry("message", &message)?;
    }
    SerializeMap::end(fields)?;
    Ok(escape_unseen(&String::from_utf8_lossy(&bytes)))
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

/// The part of the program that speaks; a target of its own is a kind of line (`Upload`, `httpd`, …).
fn sender(target: &str) -> &str {
    match target.split("::").next().unwrap_or(target) {
        "sftpgo_ssh" => "sftpd",
        "sftpgo_api" => "httpd",
        "sftpgo_store" => "data_provider",
        "sftpgo_core" => "core",
        "sftpgo_server" => "server",
        other => other,
    }
}

struct FieldWriter<'a, M: SerializeMap> {
    fields: &'a mut M,
    failure: Option<M::Error>,
}

impl<'kvs, M: SerializeMap> VisitSource<'kvs> for FieldWriter<'_, M> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        let mut typed = Typed::Nothing;
        value.visit(&mut typed)?;
        let key = key.as_str();
        let written = match typed {
            Typed::Nothing => self.fields.serialize_entry(key, &()),
            Typed::Boolean(value) => self.fields.serialize_entry(key, &value),
            Typed::Unsigned(value) => self.fields.serialize_entry(key, &value),
            Typed::Signed(value) => self.fields.serialize_entry(key, &value),
            Typed::Real(value) => self.fields.serialize_entry(key, &value),
            Typed::Text(value) => self.fields.serialize_entry(key, &value),
        };
        written.map_err(|failure| {
            self.failure = Some(failure);
            kv::Error::msg("a field was not written")
        })
    }
}

enum Typed {
    Nothing,
    Boolean(bool),
    Unsigned(u64),
    Signed(i64),
    Real(f64),
    Text(String),
}

impl<'v> VisitValue<'v> for Typed {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), kv::Error> {
        *self = Self::Text(value.to_string());
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), kv::Error> {
        *self = Self::Nothing;
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        *self = Self::Boolean(value);
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
        *self = Self::Unsigned(value);
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
        *self = Self::Signed(value);
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), kv::Error> {
        *self = Self::Real(value);
        Ok(())
    }

    fn visit_str(&mut self, value: &str) -> Result<(), kv::Error> {
        *self = Self::Text(value.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_one_second(
        level: Level,
        target: &str,
        message: std::fmt::Arguments<'_>,
        fields: &dyn kv::Source,
    ) -> String {
        let record = Record::builder()
            .level(level)
            .target(target)
            .args(message)
            .key_values(&fields)
            .build();
        line(&record, Timestamp::from_millisecond(1001).unwrap()).unwrap()
    }

    #[test]
    fn fields_keep_their_types_and_an_empty_message_is_left_out() {
        let fields: &[(&str, Value<'_>)] = &[
            ("size_bytes", Value::from(7_u64)),
            ("delta", Value::from(-1_i64)),
            ("ok", Value::from(true)),
            ("username", Value::from("alice")),
            ("nothing", Value::null()),
        ];
        assert_eq!(
            at_one_second(Level::Info, "Upload", format_args!(""), &fields),
            r#"{"level":"info","sender":"Upload","size_bytes":7,"delta":-1,"ok":true,"username":"alice","nothing":null,"time":"1970-01-01T00:00:01.001Z"}"#
        );
        assert_eq!(
            at_one_second(
                Level::Warn,
                "sftpgo_ssh::auth",
                format_args!("said"),
                &None::<(&str, u8)>
            ),
            r#"{"level":"warn","sender":"sftpd","time":"1970-01-01T00:00:01.001Z","message":"said"}"#
        );
    }

    #[test]
    fn a_hostile_name_stays_on_its_line_and_in_its_text() {
        let name = "a\r\n{\"level\":\"x\"}\u{202e}\u{2066}\u{1b}[2J\u{9b}\u{7f}";
        let fields: &[(&str, Value<'_>)] = &[("username", Value::from(name))];
        let line = at_one_second(
            Level::Warn,
            "connection_failed",
            format_args!("{name}"),
            &fields,
        );
        assert!(
            line.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
            "{line}"
        );
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed["username"], name);
        assert_eq!(parsed["message"], name);
        assert_eq!(parsed["level"], "warn");
    }

    #[test]
    fn modules_are_named_by_what_they_are_for() {
        for (target, expected) in [
            ("sftpgo_ssh::transport::client", "sftpd"),
            ("sftpgo_store", "data_provider"),
            ("httpd", "httpd"),
            ("russh::server", "russh"),
        ] {
            assert_eq!(sender(target), expected);
        }
    }
}
