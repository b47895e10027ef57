//! Variables by which a container platform describes its services.

use std::ffi::OsStr;

/// `NAME_SERVICE_HOST`, `NAME_SERVICE_PORT`, `NAME_SERVICE_PORT_HTTP`, `NAME_PORT=tcp://…`, `NAME_PORT_80_TCP` and what
/// begins so: <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>.
pub(super) fn describes_a_service(name: &str, value: &OsStr) -> bool {
    let is_url = || {
        let value = value.as_encoded_bytes();
        ["tcp://", "udp://", "sctp://"]
            .iter()
            .any(|scheme| value.starts_with(scheme.as_bytes()))
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || (name.ends_with("_PORT") && is_url())
        || has_port_and_protocol(name)
}

/// `…_PORT_80_TCP` or what begins so.
fn has_port_and_protocol(name: &str) -> bool {
    name.match_indices("_PORT_").any(|(at, separator)| {
        let rest = name.get(at + separator.len()..).unwrap_or_default();
        let Some((port, rest)) = rest.split_once('_') else {
            return false;
        };
        port.parse::<u16>().is_ok()
            && ["TCP", "UDP", "SCTP"].iter().any(|protocol| {
                rest.strip_prefix(protocol)
                    .is_some_and(|rest| ["", "_PROTO", "_PORT", "_ADDR"].contains(&rest))
            })
    })
}
