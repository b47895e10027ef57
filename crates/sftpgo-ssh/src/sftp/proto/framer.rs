//! Channel bytes to packets.

use super::{MAX_PACKET_LEN, decode::Malformed};
use crate::receive_queue::ReceiveQueue;

/// Bytes of the length field.
const LENGTH_LEN: usize = 4;

/// Collects channel data until a packet is whole.
#[derive(Debug, Default)]
pub struct Framer(ReceiveQueue);

impl Framer {
    /// Adds what arrived and returns a buffer that is not needed any more, for its capacity.
    pub fn push(&mut self, data: Vec<u8>) -> Vec<u8> {
        self.0.push(data)
    }

    /// The next whole packet from its type byte on; none until more arrives.
    ///
    /// # Errors
    /// A length of 0 or above [`MAX_PACKET_LEN`]: the stream cannot be trusted any more.
    pub fn next_packet(&mut self) -> Result<Option<&[u8]>, Malformed> {
        let Some((length, rest)) = self.rest().split_first_chunk::<LENGTH_LEN>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Malformed)?;
        if length == 0 || length > MAX_PACKET_LEN {
            return Err(Malformed);
        }
        if rest.len() < length {
            return Ok(None);
        }
        self.0.take(LENGTH_LEN);
        Ok(Some(self.0.take(length)))
    }

    /// Takes back the packet of this length that was taken last, for another time.
    pub fn put_back(&mut self, length: usize) {
        self.0.put_back(LENGTH_LEN + length);
    }

    /// Returns what has arrived and was not taken.
    pub fn rest(&self) -> &[u8] {
        self.0.rest()
    }

    /// Holds no more memory than for what was not taken.
    pub fn shrink(&mut self) {
        self.0.shrink();
    }

    /// Takes `count` bytes of [`Framer::rest`].
    pub fn skip(&mut self, count: usize) {
        self.0.take(count);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packets(framer: &mut Framer) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| framer.next_packet().unwrap().map(<[u8]>::to_vec)).collect()
    }

    #[test]
    fn several_packets_and_a_part_of_the_next() {
        let mut framer = Framer::default();
        framer.push(b"\x00\x00\x00\x01a\x00\x00\x00\x02bc\x00\x00".to_vec());
        assert_eq!(packets(&mut framer), [b"a".to_vec(), b"bc".to_vec()]);
        framer.push(b"\x00\x01d".to_vec());
        assert_eq!(packets(&mut framer), [b"d".to_vec()]);
    }

    #[test]
    fn a_part_of_a_packet_can_be_taken_by_whoever_knows_what_it_is() {
        let mut framer = Framer::default();
        framer.push(b"\x00\x00\x00\x01a\x00\x00\x00\x04bc".to_vec());
        assert_eq!(framer.next_packet().unwrap(), Some(b"a".as_slice()));
        assert_eq!(framer.rest(), b"\x00\x00\x00\x04bc");
        framer.skip(6);
        assert_eq!(framer.rest(), b"");
        framer.push(b"\x00\x00\x00\x01d".to_vec());
        assert_eq!(packets(&mut framer), [b"d".to_vec()]);
    }

    #[test]
    fn a_packet_that_was_put_back_comes_again() {
        let mut framer = Framer::default();
        framer.push(b"\x00\x00\x00\x01a\x00\x00\x00\x02bc\x00".to_vec());
        assert_eq!(framer.next_packet().unwrap(), Some(b"a".as_slice()));
        for _ in 0..2 {
            assert_eq!(framer.next_packet().unwrap(), Some(b"bc".as_slice()));
            framer.put_back(2);
        }
        assert_eq!(packets(&mut framer), [b"bc".to_vec()]);
        assert_eq!(framer.rest(), b"\x00");
    }

    #[test]
    fn lengths_of_zero_and_above_the_limit_are_malformed() {
        for length in [0, MAX_PACKET_LEN as u32 + 1, u32::MAX] {
            let mut framer = Framer::default();
            framer.push(length.to_be_bytes().to_vec());
            assert_eq!(framer.next_packet(), Err(Malformed), "{length}");
        }
    }

    proptest! {
        #[test]
        fn packets_come_out_as_they_went_in_however_they_are_cut(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 0..20),
            cuts in prop::collection::vec(1_usize..50, 1..20),
        ) {
            let stream: Vec<u8> = bodies.iter().flat_map(|body| {
                (body.len() as u32).to_be_bytes().into_iter().chain(body.iter().copied())
            }).collect();
            let mut framer = Framer::default();
            let mut seen = Vec::new();
            let (mut rest, mut cut) = (stream.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (head, tail) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
                framer.push(head.to_vec());
                seen.extend(packets(&mut framer));
                rest = tail;
            }
            prop_assert_eq!(seen, bodies);
        }
    }
}
