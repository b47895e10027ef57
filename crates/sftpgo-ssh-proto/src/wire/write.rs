//! Writing, to the end of a buffer. Lengths beyond 32 bits cannot come up: packets are bounded far below.

pub(crate) fn put_u8(out: &mut Vec<u8>, value: u8) {
    out.push(value);
}

pub(crate) fn put_bool(out: &mut Vec<u8>, value: bool) {
    out.push(u8::from(value));
}

pub(crate) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(crate) fn put_string(out: &mut Vec<u8>, value: &[u8]) {
    put_u32(out, u32::try_from(value.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(value);
}

/// A number that is not negative, given by its bytes, high first; leading zeros make no difference.
pub(crate) fn put_mpint(out: &mut Vec<u8>, value: &[u8]) {
    let zeros = value.iter().take_while(|byte| **byte == 0).count();
    let value = value.get(zeros..).unwrap_or_default();
    let sign = usize::from(value.first().is_some_and(|first| first & 0x80 != 0));
    put_u32(out, u32::try_from(value.len() + sign).unwrap_or(u32::MAX));
    out.extend(std::iter::repeat_n(0, sign));
    out.extend_from_slice(value);
}

pub(crate) fn put_name_list<'n>(out: &mut Vec<u8>, names: impl IntoIterator<Item = &'n str>) {
    let at = out.len();
    put_u32(out, 0);
    for (number, name) in names.into_iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        out.extend_from_slice(name.as_bytes());
    }
    let length = u32::try_from(out.len() - at - 4).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4251 section 5 has these.
    #[test]
    fn numbers_and_lists_look_as_in_the_rfc() {
        let number = |bytes: &[u8]| {
            let mut out = Vec::new();
            put_mpint(&mut out, bytes);
            out
        };
        assert_eq!(number(&[0, 0]), [0, 0, 0, 0]);
        assert_eq!(
            number(&[0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7]),
            [0, 0, 0, 8, 0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7]
        );
        assert_eq!(number(&[0, 0x80]), [0, 0, 0, 2, 0, 0x80]);
        let list = |names: &[&str]| {
            let mut out = Vec::new();
            put_name_list(&mut out, names.iter().copied());
            out
        };
        assert_eq!(list(&[]), [0, 0, 0, 0]);
        assert_eq!(list(&["zlib", "none"]), b"\0\0\0\x09zlib,none");
    }
}
