use sftpgo_ssh::sftp::proto::{
    MAX_PACKET_LEN,
    attrs::Attrs,
    decode::{Decoder, Malformed},
    framer::Framer,
};

use crate::chosen;

/// A stream, cut into pieces of as many bytes as its first byte says; and the same bytes as attributes.
pub fn sftp_codec(data: &[u8]) {
    let (piece, stream) = chosen(data);
    framed(stream, usize::from(piece).max(1));
    attrs(stream);
}

fn framed(stream: &[u8], piece: usize) {
    let (packets, whole) = packets(stream, stream.len().max(1));
    assert_eq!(self::packets(stream, piece), (packets.clone(), whole));
    let mut rest = stream;
    for packet in &packets {
        assert!((1..=MAX_PACKET_LEN).contains(&packet.len()));
        let length = u32::try_from(packet.len()).unwrap().to_be_bytes();
        rest = rest.strip_prefix(&length).unwrap();
        rest = rest.strip_prefix(packet.as_slice()).unwrap();
    }
}

/// The packets of a stream, and whether it can be trusted to its end.
fn packets(stream: &[u8], piece: usize) -> (Vec<Vec<u8>>, Result<(), Malformed>) {
    let mut framer = Framer::default();
    let mut packets = Vec::new();
    for piece in stream.chunks(piece) {
        framer.push(piece.to_vec());
        loop {
            match framer.next_packet() {
                Ok(Some(packet)) => packets.push(packet.to_vec()),
                Ok(None) => break,
                Err(Malformed) => return (packets, Err(Malformed)),
            }
        }
    }
    (packets, Ok(()))
}

fn attrs(bytes: &[u8]) {
    let mut decoder = Decoder::new(bytes);
    let Ok(attrs) = Attrs::decode(&mut decoder) else {
        return;
    };
    let mut encoded = Vec::new();
    attrs.encode(&mut encoded);
    assert!(encoded.len() <= bytes.len());
    let mut again = Decoder::new(&encoded);
    assert_eq!(Attrs::decode(&mut again), Ok(attrs));
    assert!(again.is_empty());
}
