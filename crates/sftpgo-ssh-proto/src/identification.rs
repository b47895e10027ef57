//! The first line of each side (RFC 4253 section 4.2).

/// As long as a client's line may be. The RFC has 255; some are longer.
const MOST: usize = 1024;

/// The client's line, or why there is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// More has to come.
    Incomplete,
    /// The line without its end, and how many bytes it takes with it.
    Whole(usize, usize),
    /// It is none of SSH-2's.
    Refused,
}

/// Looks for the line at the start of what came.
pub(crate) fn find(input: &[u8]) -> Line {
    let within = input.get(..MOST).unwrap_or(input);
    let Some(end) = within.iter().position(|byte| *byte == b'\n') else {
        return match input.len() >= MOST || !may_begin(within) {
            true => Line::Refused,
            false => Line::Incomplete,
        };
    };
    let line = within.get(..end).unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let is_ours = VERSIONS.iter().any(|version| line.starts_with(version));
    match is_ours && !line.iter().any(|byte| matches!(byte, 0 | b'\r')) {
        true => Line::Whole(line.len(), end + 1),
        false => Line::Refused,
    }
}

/// The second one says that the client could speak SSH-1 too (RFC 4253 section 5.1).
const VERSIONS: [&[u8]; 2] = [b"SSH-2.0-", b"SSH-1.99-"];

fn may_begin(input: &[u8]) -> bool {
    VERSIONS.iter().any(|version| {
        let common = version.len().min(input.len());
        version.get(..common) == input.get(..common)
    })
}

/// The software of an identification line: what stands behind the protocol's version.
pub(crate) fn software(line: &[u8]) -> &[u8] {
    let version = VERSIONS
        .iter()
        .find_map(|version| line.strip_prefix(*version));
    version.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_clients() {
        for (input, found) in [
            (&b"SSH-2.0-OpenSSH_9.2p1\r\n"[..], Line::Whole(21, 23)),
            (b"SSH-2.0-x\nrest", Line::Whole(9, 10)),
            (b"SSH-1.99-x y\r\n", Line::Whole(12, 14)),
            (b"SSH-2.0-\n", Line::Whole(8, 9)),
            (b"SSH-2.0-caf\xe9\n", Line::Whole(12, 13)),
            (b"SSH-2.0-x", Line::Incomplete),
            (b"SS", Line::Incomplete),
            (b"", Line::Incomplete),
            (b"GET / HTTP/1.1", Line::Refused),
            (b"\r\nSSH-2.0-x\r\n", Line::Refused),
            (b"SSH-1.5-x\r\n", Line::Refused),
            (b"SSH-2.0-x\ry\r\n", Line::Refused),
            (b"SSH-2.0-x\0y\r\n", Line::Refused),
        ] {
            assert_eq!(find(input), found, "{}", input.escape_ascii());
        }
    }

    #[test]
    fn a_line_without_end_is_refused_when_it_is_too_long() {
        let mut line = b"SSH-2.0-".to_vec();
        line.resize(MOST - 1, b'x');
        assert_eq!(find(&line), Line::Incomplete);
        line.push(b'x');
        assert_eq!(find(&line), Line::Refused);
        line[MOST - 1] = b'\n';
        assert_eq!(find(&line), Line::Whole(MOST - 1, MOST));
    }

    #[test]
    fn the_software_is_behind_the_version() {
        assert_eq!(software(b"SSH-2.0-Go"), b"Go");
        assert_eq!(software(b"SSH-1.99-Cisco-1.25"), b"Cisco-1.25");
    }
}
