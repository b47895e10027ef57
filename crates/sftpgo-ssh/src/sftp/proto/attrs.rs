//! File attributes (section 5 of the draft).

use super::decode::{Decoder, Malformed};

const SIZE: u32 = 0x1;
const OWNER: u32 = 0x2;
const PERMISSIONS: u32 = 0x4;
const TIMES: u32 = 0x8;
const EXTENDED: u32 = 0x8000_0000;

/// Attributes; each may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attrs {
    /// The size in bytes.
    pub size: Option<u64>,
    /// uid and gid.
    pub owner: Option<(u32, u32)>,
    /// File type and permission bits, as in `st_mode`.
    pub permissions: Option<u32>,
    /// Access and modification time, Unix seconds.
    pub times: Option<(u32, u32)>,
}

impl Attrs {
    /// Reads attributes; extended ones are read over.
    ///
    /// # Errors
    /// The packet ends within them.
    pub fn decode(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        let flags = from.u32()?;
        let attrs = Self {
            size: present(flags, SIZE, || from.u64())?,
            owner: present(flags, OWNER, || Ok((from.u32()?, from.u32()?)))?,
            permissions: present(flags, PERMISSIONS, || from.u32())?,
            times: present(flags, TIMES, || Ok((from.u32()?, from.u32()?)))?,
        };
        if flags & EXTENDED != 0 {
            // Each pair takes its bytes from the packet, so a large count ends with the packet.
            for _ in 0..from.u32()? {
                from.string()?;
                from.string()?;
            }
        }
        Ok(attrs)
    }

    /// Appends the attributes to a packet.
    pub fn encode(&self, to: &mut Vec<u8>) {
        let flags = [
            (self.size.is_some(), SIZE),
            (self.owner.is_some(), OWNER),
            (self.permissions.is_some(), PERMISSIONS),
            (self.times.is_some(), TIMES),
        ];
        let flags = flags
            .into_iter()
            .filter(|(is_there, _)| *is_there)
            .fold(0, |flags, (_, flag)| flags | flag);
        to.extend_from_slice(&flags.to_be_bytes());
        if let Some(size) = self.size {
            to.extend_from_slice(&size.to_be_bytes());
        }
        let words = [
            self.owner.map(|(uid, _)| uid),
            self.owner.map(|(_, gid)| gid),
            self.permissions,
            self.times.map(|(accessed, _)| accessed),
            self.times.map(|(_, modified)| modified),
        ];
        for word in words.into_iter().flatten() {
            to.extend_from_slice(&word.to_be_bytes());
        }
    }
}

fn present<T>(
    flags: u32,
    flag: u32,
    read: impl FnOnce() -> Result<T, Malformed>,
) -> Result<Option<T>, Malformed> {
    if flags & flag == 0 {
        Ok(None)
    } else {
        read().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_written_in_the_drafts_order() {
        let attrs = Attrs {
            size: Some(1),
            owner: Some((2, 3)),
            permissions: Some(4),
            times: Some((5, 6)),
        };
        let mut bytes = Vec::new();
        attrs.encode(&mut bytes);
        assert_eq!(
            bytes,
            b"\x00\x00\x00\x0f\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\
              \x00\x00\x00\x04\x00\x00\x00\x05\x00\x00\x00\x06"
        );
        assert_eq!(Attrs::decode(&mut Decoder::new(&bytes)), Ok(attrs));
    }

    #[test]
    fn extended_attributes_are_read_over() {
        let bytes = b"\x80\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01a\x00\x00\x00\x01b\x07";
        let mut decoder = Decoder::new(bytes);
        assert_eq!(Attrs::decode(&mut decoder), Ok(Attrs::default()));
        assert_eq!(decoder.u8(), Ok(7));
    }

    #[test]
    fn a_lying_count_of_extended_attributes_is_malformed() {
        assert_eq!(
            Attrs::decode(&mut Decoder::new(b"\x80\x00\x00\x00\xff\xff\xff\xff")),
            Err(Malformed)
        );
    }
}
