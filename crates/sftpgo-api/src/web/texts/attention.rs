//! Texts: what wants attention.

pub(in super::super) const CAME_IN_CLEAR: &str = "This page came without TLS: passwords of admins and users can be read on \
    the way. Set httpd.certificate_file and httpd.certificate_key_file.";

pub(in super::super) fn store_away(problem: &str) -> String {
    format!("The data provider does not answer: {problem}.")
}

pub(in super::super) fn listens_in_clear(addresses: &str) -> String {
    format!(
        "HTTP listens at {addresses} without TLS: passwords of admins and users can be read on the way. \
         Set httpd.certificate_file and httpd.certificate_key_file."
    )
}

pub(in super::super) fn disk_nearly_full(path: &str, part: u64) -> String {
    format!("The disk of {path} is {part} % full.")
}

pub(in super::super) fn disk_silent(path: &str, problem: &str) -> String {
    format!("The disk of {path} cannot be asked how full it is: {problem}.")
}

pub(in super::super) fn actions_failed(count: u64, last: &str) -> String {
    match count {
        1 => format!("An action failed in the last hour: {last}."),
        _ => format!("{count} actions failed in the last hour. The last: {last}."),
    }
}

pub(in super::super) fn audit_log_fails(lost: u64) -> String {
    format!(
        "The audit log cannot be written. Events wait until it can be; {lost} are lost. The log says why."
    )
}

pub(in super::super) fn audit_lines_lost(lost: u64) -> String {
    format!(
        "{lost} events since the start are missing in the audit log, because it could not be written for a while."
    )
}
