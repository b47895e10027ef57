//! A WRITE request whose data is still on its way.

use super::{MAX_PACKET_LEN, decode::Decoder, kind};

/// Handles are as long as ours.
const HANDLE_LEN: usize = 8;
/// Length, type, id, handle, offset and the length of the data.
const LEN: usize = 4 + 1 + 4 + (4 + HANDLE_LEN) + 8 + 4;

/// The fields of a WRITE before its data (draft section 6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteHeader {
    /// The id of the request.
    pub id: u32,
    /// The handle of the file.
    pub handle: [u8; HANDLE_LEN],
    /// The offset in the file, in bytes.
    pub offset: u64,
    /// Bytes of data that follow.
    pub len: usize,
}

impl WriteHeader {
    /// Bytes before the data.
    pub const LEN: usize = LEN;

    /// Reads the start of a packet, its length field included; none when it is something else, not all there, or a WRITE
    /// that is left to [`Decoder`]: one without data or with a handle that cannot be ours, or one that does not follow the
    /// protocol.
    pub fn parse(stream: &[u8]) -> Option<Self> {
        let mut fields = Decoder::new(stream.get(..LEN)?);
        let packet_len = usize::try_from(fields.u32().ok()?).ok()?;
        if packet_len > MAX_PACKET_LEN || fields.u8().ok()? != kind::WRITE {
            return None;
        }
        let id = fields.u32().ok()?;
        let handle = fields.string().ok()?.try_into().ok()?;
        let offset = fields.u64().ok()?;
        let len = usize::try_from(fields.u32().ok()?).ok()?;
        let is_plain = len > 0 && packet_len.checked_sub(LEN - 4) == Some(len);
        is_plain.then_some(Self {
            id,
            handle,
            offset,
            len,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITE: &[u8] = b"\x00\x00\x00\x1f\x06\x00\x00\x00\x07\x00\x00\x00\x08handle!!\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x02ab";

    #[test]
    fn fields_are_read_without_the_data() {
        let header = WriteHeader {
            id: 7,
            handle: *b"handle!!",
            offset: 256,
            len: 2,
        };
        assert_eq!(WriteHeader::parse(WRITE), Some(header));
        assert_eq!(WriteHeader::parse(&WRITE[..WriteHeader::LEN]), Some(header));
        assert_eq!(WriteHeader::parse(&WRITE[..WriteHeader::LEN - 1]), None);
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_decoder() {
        for (at, byte, why) in [
            (1, 0x01, "data past the packet's end"),
            (3, 0x20, "bytes behind the data"),
            (3, 0x1e, "data longer than the packet"),
            (0, 0xff, "too long a packet"),
            (4, 0x05, "a READ"),
            (12, 0x07, "another length of the handle"),
        ] {
            let mut other = WRITE.to_vec();
            other[at] = byte;
            assert_eq!(WriteHeader::parse(&other), None, "{why}");
        }
        let mut empty = WRITE.to_vec();
        (empty[3], empty[32]) = (29, 0);
        assert_eq!(WriteHeader::parse(&empty), None);
    }
}
