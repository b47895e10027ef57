//! What the server sent in the clear, read as a client would.

/// Payloads behind the identification.
pub(super) fn payloads(output: &[u8]) -> Vec<&[u8]> {
    let Some(end) = output.iter().position(|byte| *byte == b'\n') else {
        // Nothing was fed, so nothing was looked at.
        return Vec::new();
    };
    let mut rest = &output[end + 1..];
    let refusal = b"Invalid SSH identification string.\r\n";
    if rest == refusal {
        return Vec::new();
    }
    let mut payloads = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap();
        assert_eq!((4 + length) % 8, 0);
        let (packet, behind) = behind.split_at(length);
        let padding = usize::from(packet[0]);
        assert!(padding >= 4);
        let payload = &packet[1..length - padding];
        assert!(!payload.is_empty());
        payloads.push(payload);
        rest = behind;
    }
    assert!(rest.is_empty(), "half a packet");
    payloads
}

pub(super) fn u32_at(payload: &[u8], place: usize) -> u32 {
    u32::from_be_bytes(payload[place..place + 4].try_into().unwrap())
}
