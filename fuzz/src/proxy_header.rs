use sftpgo_proxy_protocol::{MAX_LENGTH, Parsed, parse};

/// The beginning of a connection as a PROXY header.
pub fn proxy_header(data: &[u8]) {
    let parsed = parse(data);
    match parsed {
        Ok(Parsed::Whole(header)) => {
            assert!(header.length <= data.len() && header.length <= MAX_LENGTH);
            let length = header.length;
            assert_eq!(
                parse(&data[..length]),
                parsed,
                "what follows does not matter"
            );
            assert_eq!(parse(&data[..length - 1]), Ok(Parsed::Incomplete));
            let client = header.client.map(|client| client.ip());
            assert_eq!(client, client.map(|client| client.to_canonical()));
        }
        Ok(Parsed::Incomplete) => assert!(data.len() < MAX_LENGTH, "more than a header is awaited"),
        // More bytes make nothing good or another protocol's.
        Ok(Parsed::Absent) | Err(_) => assert_eq!(parse(&[data, b"\r\n"].concat()), parsed),
    }
}
