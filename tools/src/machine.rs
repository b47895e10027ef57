//! What the figures were measured on.

use std::fs;

use serde_json::{Value, json};

/// Processors, kernel, and how busy others keep it.
pub(crate) fn describe() -> Value {
    json!({
        "processors": std::thread::available_parallelism().map_or(1, usize::from),
        "model": model(),
        "kernel": word("/proc/sys/kernel/osrelease"),
    })
}

/// The load averages of 1, 5 and 15 minutes.
pub(crate) fn load() -> String {
    let line = word("/proc/loadavg");
    line.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn model() -> String {
    let info = word("/proc/cpuinfo");
    let line = info.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(": "))
        .map_or("unknown", |(_, name)| name)
        .to_owned()
}

fn word(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}
