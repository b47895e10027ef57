//! The header, from bytes.

use std::{
    error::Error,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

/// Bytes of the longest header that is read. Version 2 has room for more behind the addresses than anybody sends.
pub const MAX_LENGTH: usize = 4096;

const V1: &[u8] = b"PROXY ";
/// With the end of the line (section 2.1).
const V1_MAX_LENGTH: usize = 107;
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const V2_FIXED_LENGTH: usize = 16;

/// What bytes at the beginning of a connection are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// More are needed to tell.
    Incomplete,
    /// Something else than a header.
    Absent,
    /// A header, with what belongs to the connection behind it.
    Whole(Header),
}

/// A header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// How many bytes it has.
    pub length: usize,
    /// Whose connection it is; none where the proxy speaks for itself, or does not say.
    pub client: Option<SocketAddr>,
}

/// Bytes that begin as a header and are none, or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the PROXY header is malformed")
    }
}

impl Error for Malformed {}

/// Tells what `bytes` begin with.
///
/// # Errors
/// A header that is broken or longer than [`MAX_LENGTH`].
pub fn parse(bytes: &[u8]) -> Result<Parsed, Malformed> {
    if bytes.starts_with(V1) {
        version_1(bytes)
    } else if bytes.starts_with(V2) {
        version_2(bytes)
    } else if V1.starts_with(bytes) || V2.starts_with(bytes) {
        Ok(Parsed::Incomplete)
    } else {
        Ok(Parsed::Absent)
    }
}

/// `PROXY TCP4 192.0.2.1 192.0.2.2 40000 22` in one line (section 2.1).
fn version_1(bytes: &[u8]) -> Result<Parsed, Malformed> {
    let first = bytes.get(..V1_MAX_LENGTH).unwrap_or(bytes);
    // The first return ends the line, so only a newline may come behind it.
    let end = first.iter().position(|byte| *byte == b'\r');
    let end = match end.map(|end| (end, first.get(end + 1))) {
        Some((end, Some(b'\n'))) => end,
        Some((_, Some(_))) => return Err(Malformed),
        _ if first.len() == V1_MAX_LENGTH => return Err(Malformed),
        _ => return Ok(Parsed::Incomplete),
    };
    let line = first.get(V1.len()..end).ok_or(Malformed)?;
    let line = str::from_utf8(line).map_err(|_| Malformed)?;
    Ok(Parsed::Whole(Header {
        length: end + 2,
        client: client_of_line(line)?,
    }))
}

fn client_of_line(line: &str) -> Result<Option<SocketAddr>, Malformed> {
    let mut words = line.split(' ');
    let family = words.next().ok_or(Malformed)?;
    if family == "UNKNOWN" {
        // Whatever else is in the line says nothing.
        return Ok(None);
    }
    let words: Vec<_> = words.collect();
    let [source, destination, source_port, destination_port] = words[..] else {
        return Err(Malformed);
    };
    let (source, _) = match family {
        "TCP4" => (
            address::<Ipv4Addr>(source)?,
            address::<Ipv4Addr>(destination)?,
        ),
        "TCP6" => (
            address::<Ipv6Addr>(source)?,
            address::<Ipv6Addr>(destination)?,
        ),
        _ => return Err(Malformed),
    };
    port(destination_port)?;
    Ok(Some(client(source, port(source_port)?)))
}

fn address<A: FromStr + Into<IpAddr>>(text: &str) -> Result<IpAddr, Malformed> {
    text.parse().map(A::into).map_err(|_| Malformed)
}

fn port(text: &str) -> Result<u16, Malformed> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed);
    }
    text.parse().map_err(|_| Malformed)
}

/// Twelve bytes of signature, then version and command, family and protocol, a length, and that many bytes (section 2.2).
fn version_2(bytes: &[u8]) -> Result<Parsed, Malformed> {
    let Some(&[version_and_command, family, high, low]) = bytes
        .get(V2.len()..V2_FIXED_LENGTH)
        .and_then(|fixed| fixed.first_chunk())
    else {
        return match bytes.get(V2.len()) {
            Some(byte) if !matches!(byte, 0x20 | 0x21) => Err(Malformed),
            _ => Ok(Parsed::Incomplete),
        };
    };
    let is_local = match version_and_command {
        0x20 => true,
        0x21 => false,
        _ => return Err(Malformed),
    };
    let length = V2_FIXED_LENGTH + usize::from(u16::from_be_bytes([high, low]));
    if length > MAX_LENGTH {
        return Err(Malformed);
    }
    let Some(addresses) = bytes.get(V2_FIXED_LENGTH..length) else {
        return Ok(Parsed::Incomplete);
    };
    let client = if is_local {
        None
    } else {
        client_of_addresses(family, addresses)?
    };
    Ok(Parsed::Whole(Header { length, client }))
}

/// Source, destination, and the port of each. What may stand behind says nothing of who the client is.
fn client_of_addresses(family: u8, bytes: &[u8]) -> Result<Option<SocketAddr>, Malformed> {
    match family {
        // TCP over IPv4.
        0x11 => {
            let &source = bytes.first_chunk::<4>().ok_or(Malformed)?;
            let port = port_at(bytes, 8)?;
            Ok(Some(client(Ipv4Addr::from(source).into(), port)))
        }
        // TCP over IPv6.
        0x21 => {
            let &source = bytes.first_chunk::<16>().ok_or(Malformed)?;
            let port = port_at(bytes, 32)?;
            Ok(Some(client(Ipv6Addr::from(source).into(), port)))
        }
        // Unspecified; UDP and Unix sockets, by which nobody comes here.
        0x00..=0x02 | 0x10 | 0x12 | 0x20 | 0x22 | 0x30..=0x32 => Ok(None),
        _ => Err(Malformed),
    }
}

/// The source's port stands at `offset`, and the destination's behind it.
fn port_at(bytes: &[u8], offset: usize) -> Result<u16, Malformed> {
    let ports = bytes.get(offset..).and_then(|rest| rest.first_chunk::<4>());
    let &[high, low, _, _] = ports.ok_or(Malformed)?;
    Ok(u16::from_be_bytes([high, low]))
}

/// An IPv4 client is known by its IPv4 address, in whatever notation it is said.
fn client(address: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(address.to_canonical(), port)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn v2(version_and_command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [V2, &[version_and_command, family], &length, rest].concat()
    }

    const IPV4: [u8; 12] = [192, 0, 2, 7, 192, 0, 2, 1, 0x9c, 0x40, 0, 22];

    fn ipv6() -> Vec<u8> {
        let address: Ipv6Addr = "2001:db8::7".parse().unwrap();
        [&address.octets()[..], &[0; 16], &[0x9c, 0x40, 0, 22]].concat()
    }

    /// What a header followed by other bytes says.
    fn client_in(header: &[u8]) -> Result<Option<String>, Malformed> {
        let followed = [header, b"SSH-2.0-x\r\n"].concat();
        match parse(&followed)? {
            Parsed::Whole(found) => {
                assert_eq!(found.length, header.len());
                Ok(found.client.map(|client| client.to_string()))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn whoever_is_said_to_be_the_client_is_it() {
        for (line, expected) in [
            ("TCP4 192.0.2.7 192.0.2.1 40000 22", Some("192.0.2.7:40000")),
            ("TCP4 192.0.2.7 192.0.2.1 0 65535", Some("192.0.2.7:0")),
            (
                "TCP6 2001:db8::7 2001:db8::1 40000 22",
                Some("[2001:db8::7]:40000"),
            ),
            (
                "TCP6 ::ffff:192.0.2.7 ::1 40000 22",
                Some("192.0.2.7:40000"),
            ),
            ("UNKNOWN", None),
            ("UNKNOWN whatever 1 2", None),
        ] {
            let header = format!("PROXY {line}\r\n");
            let client = client_in(header.as_bytes()).unwrap();
            assert_eq!(client.as_deref(), expected, "{line}");
        }
        let with_more = [&IPV4[..], b"\x04\x00\x01\x00"].concat();
        let mapped: Ipv6Addr = "::ffff:192.0.2.7".parse().unwrap();
        let mapped = [&mapped.octets()[..], &[0; 16], &[0x9c, 0x40, 0, 22]].concat();
        for (header, expected) in [
            (v2(0x21, 0x11, &IPV4), Some("192.0.2.7:40000")),
            (v2(0x21, 0x11, &with_more), Some("192.0.2.7:40000")),
            (v2(0x21, 0x21, &ipv6()), Some("[2001:db8::7]:40000")),
            (v2(0x21, 0x21, &mapped), Some("192.0.2.7:40000")),
            (v2(0x20, 0x00, b""), None),
            (v2(0x20, 0x11, &IPV4), None),
            (v2(0x21, 0x00, b""), None),
            (v2(0x21, 0x31, &[0; 216]), None),
            (v2(0x21, 0x00, &[0; MAX_LENGTH - V2_FIXED_LENGTH]), None),
        ] {
            let client = client_in(&header).unwrap();
            assert_eq!(client.as_deref(), expected, "{header:?}");
        }
    }

    #[test]
    fn what_is_broken_is_refused() {
        for line in [
            "PROXY \r\n",
            "PROXY TCP4\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 40000\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 40000 22 1\r\n",
            "PROXY TCP4  192.0.2.7 192.0.2.1 40000 22\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 65536 22\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 +1 22\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 -1 22\r\n",
            "PROXY TCP4 192.0.2.256 192.0.2.1 40000 22\r\n",
            "PROXY TCP4 2001:db8::7 2001:db8::1 40000 22\r\n",
            "PROXY TCP6 192.0.2.7 192.0.2.1 40000 22\r\n",
            "PROXY UDP4 192.0.2.7 192.0.2.1 40000 22\r\n",
            "PROXY tcp4 192.0.2.7 192.0.2.1 40000 22\r\n",
            "PROXY TCP4 192.0.2.7 192.0.2.1 40000 22\rSSH",
            "PROXY UNKNOWN whatever\r\r\n",
        ] {
            assert_eq!(parse(line.as_bytes()), Err(Malformed), "{line:?}");
        }
        let long = [V1, b"UNKNOWN ", &[b'x'; 200], b"\r\n"].concat();
        assert_eq!(parse(&long), Err(Malformed));
        for header in [
            v2(0x31, 0x11, &IPV4),
            v2(0x22, 0x11, &IPV4),
            v2(0x21, 0x41, &IPV4),
            v2(0x21, 0x13, &IPV4),
            v2(0x21, 0x11, &IPV4[..11]),
            v2(0x21, 0x21, &IPV4),
            v2(0x21, 0x00, &[0; MAX_LENGTH - V2_FIXED_LENGTH + 1]),
            [V2, b"X"].concat(),
        ] {
            assert_eq!(parse(&header), Err(Malformed), "{header:?}");
        }
    }

    #[test]
    fn other_protocols_are_told_from_a_header_as_soon_as_they_differ() {
        for bytes in [
            &b"SSH-2.0-x\r\n"[..],
            b"GET / HTTP/1.1\r\n",
            b"PROXX",
            b"\r\n\r\n\0\r\nQUIT\r",
            b"\x16\x03\x01",
        ] {
            assert_eq!(parse(bytes), Ok(Parsed::Absent), "{bytes:?}");
        }
        for bytes in [&b""[..], b"P", b"PROXY", b"\r\n"] {
            assert_eq!(parse(bytes), Ok(Parsed::Incomplete), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn every_header_is_incomplete_until_its_last_byte(
            source: IpAddr, port: u16, is_old: bool, behind in proptest::collection::vec(any::<u8>(), 0..40)
        ) {
            let header = match (is_old, source) {
                (true, IpAddr::V4(v4)) => format!("PROXY TCP4 {v4} {v4} {port} {port}\r\n").into_bytes(),
                (true, IpAddr::V6(v6)) => format!("PROXY TCP6 {v6} {v6} {port} {port}\r\n").into_bytes(),
                (false, IpAddr::V4(v4)) => {
                    let (octets, port) = (v4.octets(), port.to_be_bytes());
                    v2(0x21, 0x11, &[&octets[..], &octets, &port, &port, &behind].concat())
                }
                (false, IpAddr::V6(v6)) => {
                    let (octets, port) = (v6.octets(), port.to_be_bytes());
                    v2(0x21, 0x21, &[&octets[..], &octets, &port, &port, &behind].concat())
                }
            };
            for length in 0..header.len() {
                prop_assert_eq!(parse(&header[..length]), Ok(Parsed::Incomplete));
            }
            let client = Some(SocketAddr::new(source.to_canonical(), port));
            let whole = Header { length: header.len(), client };
            prop_assert_eq!(parse(&[&header[..], &behind].concat()), Ok(Parsed::Whole(whole)));
        }

        #[test]
        fn no_bytes_are_taken_for_more_than_they_are(
            start in prop_oneof![Just(V1), Just(V2), Just(&b""[..])],
            bytes in proptest::collection::vec(any::<u8>(), 0..300)
        ) {
            let bytes = [start, &bytes].concat();
            if let Ok(Parsed::Whole(header)) = parse(&bytes) {
                prop_assert!(header.length <= bytes.len() && header.length <= MAX_LENGTH);
                // What comes behind makes no difference.
                prop_assert_eq!(parse(&bytes[..header.length]), Ok(Parsed::Whole(header)));
            }
        }
    }
}
