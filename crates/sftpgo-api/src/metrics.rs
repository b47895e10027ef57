//! Counters and gauges in Prometheus's text format.

use prometheus::{
    IntCounter, IntGauge, Registry, TextEncoder, process_collector::ProcessCollector,
};
use sftpgo_core::{
    Error, ErrorKind, Result,
    event::{Event, LoginMethod, Observer, Operation},
};
use warp::reply::Response;

use crate::{error::ApiError, response};

/// The metrics of the server. Clones count together: one can observe while another is served.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    provider_availability: IntGauge,
    active_connections: IntGauge,
    uploads: Transfers,
    downloads: Transfers,
    logins: Logins,
    password_logins: Logins,
    public_key_logins: Logins,
    requests: Requests,
    defender: Defender,
    audit: AuditLog,
    rate_limited: IntCounter,
}

#[derive(Clone)]
struct AuditLog {
    lines: IntCounter,
    lost: IntCounter,
    fails: IntGauge,
}

#[derive(Clone)]
struct Defender {
    events: IntCounter,
    bans: IntCounter,
    refused: IntCounter,
}

#[derive(Clone)]
struct Transfers {
    completed: IntCounter,
    failed: IntCounter,
    bytes: IntCounter,
}

#[derive(Clone)]
struct Logins {
    attempts: IntCounter,
    succeeded: IntCounter,
    failed: IntCounter,
}

#[derive(Clone)]
struct Requests {
    all: IntCounter,
    succeeded: IntCounter,
    client_errors: IntCounter,
    server_errors: IntCounter,
}

impl Metrics {
    /// Makes metrics that are all at zero, in a registry of their own beside this process's figures.
    ///
    /// # Errors
    /// [`Internal`](ErrorKind::Internal) when the metrics library refuses a metric.
    pub fn new() -> Result<Self> {
        Self::registered().map_err(|error| {
            Error::new(ErrorKind::Internal, "metrics cannot be set up").with_source(error)
        })
    }

    /// Says whether the provider answered when it was last asked.
    pub fn set_provider_availability(&self, answers: bool) {
        self.provider_availability.set(answers.into());
    }

    /// Counts lines of the audit log that were written.
    pub fn count_audit_lines(&self, lines: u64) {
        self.audit.lines.inc_by(lines);
    }

    /// Counts one event that is missing in the audit log, because there was no room for it.
    pub fn count_lost_audit_line(&self) {
        self.audit.lost.inc();
    }

    /// Says whether the audit log could not be written when that was tried last.
    pub fn set_audit_log_fails(&self, fails: bool) {
        self.audit.fails.set(fails.into());
    }

    /// Whether the audit log cannot be written now, and how many events are missing in it.
    pub(crate) fn audit_log_losses(&self) -> (bool, u64) {
        (self.audit.fails.get() != 0, self.audit.lost.get())
    }

    /// Counts one request that ended with this status.
    pub(crate) fn count_request(&self, status: u16) {
        self.requests.all.inc();
        match status {
            500.. => self.requests.server_errors.inc(),
            400.. => self.requests.client_errors.inc(),
            _ => self.requests.succeeded.inc(),
        }
    }

    /// `GET /metrics`
    pub(crate) fn response(&self) -> Response {
        match TextEncoder::new().encode_to_string(&self.registry.gather()) {
            Ok(text) => response::text("text/plain; version=0.0.4; charset=utf-8", text),
            Err(error) => {
                log::error!("metrics cannot be written: {error}");
                ApiError::internal().into_response()
            }
        }
    }

    fn registered() -> prometheus::Result<Self> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        Ok(Self {
            provider_availability: gauge(
                &registry,
                "sftpgo_dataprovider_availability",
                "1 when the data provider answered the last check, else 0",
            )?,
            active_connections: gauge(
                &registry,
                "sftpgo_active_connections",
                "Open sessions, and logged-in connections that have none",
            )?,
            uploads: Transfers::new(&registry, "upload")?,
            downloads: Transfers::new(&registry, "download")?,
            logins: Logins::new(&registry, "", "any method")?,
            password_logins: Logins::new(&registry, "password_", "a password")?,
            public_key_logins: Logins::new(&registry, "public_key_", "a public key")?,
            requests: Requests::new(&registry)?,
            defender: Defender::new(&registry)?,
            audit: AuditLog::new(&registry)?,
            rate_limited: counter(
                &registry,
                "sftpgo_rate_limited_total",
                "Connections and HTTP requests that were refused, because too many others came in a time",
            )?,
            registry,
        })
    }

    fn logins_by(&self, method: LoginMethod) -> impl Iterator<Item = &Logins> {
        let by_method = match method {
            // The last step is the one that lets in or not.
            LoginMethod::Password
            | LoginMethod::PublicKeyAndPassword
            | LoginMethod::PublicKeyAndKeyboardInteractive => Some(&self.password_logins),
            LoginMethod::PublicKey => Some(&self.public_key_logins),
            // Without a credential nothing was attempted, so nothing failed either; and admins are no users.
            LoginMethod::NoneTried | LoginMethod::Admin => None,
        };
        by_method
            .into_iter()
            .flat_map(|logins| [&self.logins, logins])
    }
}

impl Observer for Metrics {
    fn notify(&self, event: &Event<'_>) {
        match event {
            Event::Transfer {
                operation,
                size,
                error,
                ..
            } => {
                let transfers = match operation {
                    Operation::Upload => &self.uploads,
                    Operation::Download => &self.downloads,
                };
                transfers.count(*size, error.is_some());
            }
            Event::LoginAttempt { method } => {
                self.logins_by(*method)
                    .for_each(|logins| logins.attempts.inc());
            }
            Event::LoginOk { method, .. } => {
                self.logins_by(*method)
                    .for_each(|logins| logins.succeeded.inc());
            }
            Event::LoginFailed { method, .. } => {
                self.logins_by(*method)
                    .for_each(|logins| logins.failed.inc());
            }
            Event::Scored { .. } => self.defender.events.inc(),
            Event::Banned { .. } => self.defender.bans.inc(),
            Event::RefusedByDefender { .. } => self.defender.refused.inc(),
            Event::RateLimited { .. } => self.rate_limited.inc(),
            Event::ActiveConnections { count } => {
                self.active_connections
                    .set(i64::try_from(*count).unwrap_or(i64::MAX));
            }
            _ => {}
        }
    }
}

impl Transfers {
    fn new(registry: &Registry, what: &str) -> prometheus::Result<Self> {
        Ok(Self {
            completed: counter(
                registry,
                &format!("sftpgo_{what}s_total"),
                &format!("{what}s that succeeded"),
            )?,
            failed: counter(
                registry,
                &format!("sftpgo_{what}_errors_total"),
                &format!("{what}s that failed"),
            )?,
            bytes: counter(
                registry,
                &format!("sftpgo_{what}_size"),
                &format!("Bytes moved by {what}s, failed ones too"),
            )?,
        })
    }

    fn count(&self, size: u64, failed: bool) {
        if failed {
            self.failed.inc();
        } else {
            self.completed.inc();
        }
        self.bytes.inc_by(size);
    }
}

impl Logins {
    fn new(registry: &Registry, prefix: &str, method: &str) -> prometheus::Result<Self> {
        let of = |suffix: &str, what: &str| {
            counter(
                registry,
                &format!("sftpgo_{prefix}login_{suffix}_total"),
                &format!("Logins by {method} that {what}"),
            )
        };
        Ok(Self {
            attempts: of("attempts", "were attempted")?,
            succeeded: of("ok", "succeeded")?,
            failed: of("ko", "failed")?,
        })
    }
}

impl Defender {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let of = |name: &str, what: &str| {
            counter(registry, &format!("sftpgo_defender_{name}_total"), what)
        };
        Ok(Self {
            events: of(
                "events",
                "Failed logins and other things that the defender counted against addresses",
            )?,
            bans: of("bans", "Addresses that the defender banned")?,
            refused: of(
                "refused",
                "Connections and HTTP requests of banned addresses that were refused",
            )?,
        })
    }
}

impl AuditLog {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            lines: counter(
                registry,
                "sftpgo_audit_lines_total",
                "Lines written to the audit log",
            )?,
            lost: counter(
                registry,
                "sftpgo_audit_lost_lines_total",
                "Events that are missing in the audit log, because it could not be written",
            )?,
            fails: gauge(
                registry,
                "sftpgo_audit_log_fails",
                "1 while the audit log cannot be written, else 0",
            )?,
        })
    }
}

impl Requests {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let of = |name: &str, what: &str| {
            counter(
                registry,
                &format!("sftpgo_http_{name}_total"),
                &format!("HTTP requests {what}"),
            )
        };
        Ok(Self {
            all: of("req", "that ended")?,
            succeeded: of("req_ok", "answered without an error")?,
            client_errors: of("client_errors", "answered with a client error (4xx)")?,
            server_errors: of("server_errors", "answered with a server error (5xx)")?,
        })
    }
}

fn counter(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntCounter> {
    let counter = IntCounter::new(name, help)?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    let gauge = IntGauge::new(name, help)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, time::Duration};

    use sftpgo_core::event::Protocol;

    use super::*;

    fn value(metrics: &Metrics, name: &str) -> f64 {
        let text = TextEncoder::new()
            .encode_to_string(&metrics.registry.gather())
            .unwrap();
        let prefix = format!("{name} ");
        let line = text.lines().find(|line| line.starts_with(&prefix));
        line.unwrap_or_else(|| panic!("no {name} in {text}"))[prefix.len()..]
            .parse()
            .unwrap()
    }

    fn transfer(operation: Operation, size: u64, error: Option<&str>) -> Event<'_> {
        Event::Transfer {
            operation,
            username: "a",
            file_path: std::path::Path::new("/a"),
            size,
            elapsed: Duration::ZERO,
            connection_id: "1",
            protocol: Protocol::Sftp,
            error,
        }
    }

    #[test]
    fn transfers_are_counted_by_direction_and_success() {
        let metrics = Metrics::new().unwrap();
        let observer: Box<dyn Observer> = Box::new(metrics.clone());
        observer.notify(&transfer(Operation::Upload, 5, None));
        observer.notify(&transfer(Operation::Upload, 6, None));
        observer.notify(&transfer(Operation::Upload, 7, Some("lost")));
        observer.notify(&transfer(Operation::Download, 9, None));
        for (name, expected) in [
            ("sftpgo_uploads_total", 2.0),
            ("sftpgo_upload_errors_total", 1.0),
            ("sftpgo_upload_size", 18.0),
            ("sftpgo_downloads_total", 1.0),
            ("sftpgo_download_errors_total", 0.0),
            ("sftpgo_download_size", 9.0),
        ] {
            assert_eq!(value(&metrics, name), expected, "{name}");
        }
    }

    #[test]
    fn logins_are_counted_in_all_and_by_method() {
        let metrics = Metrics::new().unwrap();
        let remote = SocketAddr::from(([127, 0, 0, 1], 1));
        for method in [LoginMethod::Password, LoginMethod::PublicKey] {
            metrics.notify(&Event::LoginAttempt { method });
        }
        metrics.notify(&Event::LoginOk {
            username: "a",
            method: LoginMethod::PublicKey,
            remote,
        });
        for method in [LoginMethod::Password, LoginMethod::NoneTried] {
            metrics.notify(&Event::LoginFailed {
                username: "a",
                method,
                remote,
                reason: "wrong",
            });
        }
        for (name, [attempts, ok, ko]) in [
            ("login", [2.0, 1.0, 1.0]),
            ("password_login", [1.0, 0.0, 1.0]),
            ("public_key_login", [1.0, 1.0, 0.0]),
        ] {
            assert_eq!(
                value(&metrics, &format!("sftpgo_{name}_attempts_total")),
                attempts
            );
            assert_eq!(value(&metrics, &format!("sftpgo_{name}_ok_total")), ok);
            assert_eq!(value(&metrics, &format!("sftpgo_{name}_ko_total")), ko);
        }
    }

    #[test]
    fn gauges_show_the_last_state() {
        let metrics = Metrics::new().unwrap();
        for (count, answers) in [(3, true), (2, false)] {
            metrics.notify(&Event::ActiveConnections { count });
            metrics.set_provider_availability(answers);
            assert_eq!(value(&metrics, "sftpgo_active_connections"), count as f64);
            assert_eq!(
                value(&metrics, "sftpgo_dataprovider_availability"),
                f64::from(u8::from(answers))
            );
        }
    }

    #[test]
    fn a_request_counts_once_by_its_status() {
        let metrics = Metrics::new().unwrap();
        for status in [200, 201, 404, 405, 413, 500] {
            metrics.count_request(status);
        }
        for (name, expected) in [
            ("req", 6.0),
            ("req_ok", 2.0),
            ("client_errors", 3.0),
            ("server_errors", 1.0),
        ] {
            assert_eq!(
                value(&metrics, &format!("sftpgo_http_{name}_total")),
                expected,
                "{name}"
            );
        }
    }
}
