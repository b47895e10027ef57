//! Waiting for the header of a connection.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time,
};

use super::{MAX_LENGTH, Malformed, Parsed, parse};

/// How long a proxy has for its header, as in SFTPGo.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What came before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Whose connection the header says it is; none where it says nobody's, or there was none.
    pub client: Option<SocketAddr>,
    /// Bytes of the connection that came with it.
    pub rest: Vec<u8>,
}

/// Reads the header from `stream`, and waits for it no longer than [`PATIENCE`]. Where it is not `required`, there may be
/// none: of a client that waits for a greeting that is known only when the time is over.
///
/// # Errors
/// It is broken, or is required and did not come; or the system's.
pub async fn receive<S: AsyncRead + Unpin>(stream: &mut S, required: bool) -> io::Result<Received> {
    let mut bytes = Vec::new();
    let found = time::timeout(PATIENCE, look(stream, &mut bytes)).await;
    let header = match found {
        Ok(Ok(Parsed::Whole(header))) => header,
        Ok(Ok(_)) if !required => return Ok(without(bytes)),
        Ok(Ok(_)) => return Err(refused("the required PROXY header did not come")),
        Ok(Err(error)) => return Err(error),
        // Half a header is one that is broken.
        Err(_) if !required && bytes.is_empty() => return Ok(without(bytes)),
        Err(_) => return Err(io::ErrorKind::TimedOut.into()),
    };
    let rest = bytes.split_off(header.length.min(bytes.len()));
    Ok(Received {
        client: header.client,
        rest,
    })
}

/// Until it is known what the bytes are, or no more come.
async fn look<S: AsyncRead + Unpin>(stream: &mut S, bytes: &mut Vec<u8>) -> io::Result<Parsed> {
    loop {
        let parsed = parse(bytes).map_err(broken)?;
        if parsed != Parsed::Incomplete {
            return Ok(parsed);
        }
        // The parser asks for no more than a header may have.
        let mut part = [0; 512];
        let room = part
            .len()
            .min(MAX_LENGTH.saturating_sub(bytes.len()).max(1));
        let part = part.get_mut(..room).unwrap_or_default();
        let count = stream.read(part).await?;
        if count == 0 {
            return Ok(Parsed::Absent);
        }
        bytes.extend_from_slice(part.get(..count).unwrap_or_default());
    }
}

fn without(rest: Vec<u8>) -> Received {
    Received { client: None, rest }
}

fn broken(error: Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn refused(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    const V1: &[u8] = b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 22\r\n";

    async fn of_parts(parts: &[&[u8]], required: bool) -> io::Result<Received> {
        let (mut proxy, mut server) = duplex(8192);
        let sending = async {
            for part in parts {
                proxy.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
            proxy
        };
        let (received, _proxy) = tokio::join!(receive(&mut server, required), sending);
        received
    }

    #[tokio::test]
    async fn a_header_may_come_byte_by_byte_and_with_what_follows() {
        let expected = Received {
            client: "192.0.2.7:40000".parse().ok(),
            rest: b"SSH-2.0-x\r\n".to_vec(),
        };
        let all = [V1, b"SSH-2.0-x\r\n"].concat();
        assert_eq!(of_parts(&[&all], true).await.unwrap(), expected);
        let bytes: Vec<_> = V1.chunks(1).collect();
        let received = of_parts(&bytes, true).await.unwrap();
        assert_eq!((received.client, received.rest.len()), (expected.client, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_header_stays_where_none_is_required() {
        let received = of_parts(&[b"SSH-2.0-x\r\n"], false).await.unwrap();
        assert_eq!(received, without(b"SSH-2.0-x\r\n".to_vec()));
        assert!(of_parts(&[b"SSH-2.0-x\r\n"], true).await.is_err());
        // One that waits to be greeted.
        assert_eq!(of_parts(&[], false).await.unwrap(), without(Vec::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_header_that_does_not_come_whole_or_is_broken_is_refused() {
        for required in [false, true] {
            assert!(of_parts(&[b"PROXY TCP4"], required).await.is_err());
            assert!(of_parts(&[b"PROXY TCP5 \r\n"], required).await.is_err());
            let long = [b"PROXY UNKNOWN ", &[b'x'; 4000][..]].concat();
            assert!(of_parts(&[&long], required).await.is_err());
        }
        assert!(of_parts(&[], true).await.is_err());
    }

    #[tokio::test]
    async fn a_proxy_that_leaves_is_no_client() {
        let (proxy, mut server) = duplex(64);
        drop(proxy);
        assert!(receive(&mut server, true).await.is_err());
        let (proxy, mut server) = duplex(64);
        drop(proxy);
        assert_eq!(
            receive(&mut server, false).await.unwrap(),
            without(Vec::new())
        );
    }
}
