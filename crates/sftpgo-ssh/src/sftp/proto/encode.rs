//! Replies, written one behind the other into one buffer that becomes channel data as it is.

use super::{attrs::Attrs, kind, status::StatusCode};

/// A buffer that has grown past this is not kept for the next replies.
const KEEP: usize = 16 * 1024;

/// Replies waiting to be sent.
#[derive(Debug, Default)]
pub struct Replies(Vec<u8>);

impl Replies {
    /// Bytes waiting.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Is nothing waiting?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the bytes that wait to be sent.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Drops the bytes that waited: they are sent.
    pub fn clear(&mut self) {
        if self.0.capacity() > KEEP {
            self.0 = Vec::new();
        } else {
            self.0.clear();
        }
    }

    /// Holds no more memory than for what is waiting.
    pub fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }

    /// Takes what is waiting.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }

    /// STATUS (section 7): the code, its words with `why` behind them unless that is empty, language `en`.
    pub fn status(&mut self, id: u32, code: StatusCode, why: &str) {
        let packet = self.begin(kind::STATUS, id);
        self.u32(code as u32);
        let separator = if why.is_empty() { "" } else { ": " };
        let parts = [code.words(), separator, why];
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.u32(u32::try_from(length).unwrap_or(u32::MAX));
        for part in parts {
            self.0.extend_from_slice(part.as_bytes());
        }
        self.string(b"en");
        self.end(packet);
    }

    /// HANDLE.
    pub fn handle(&mut self, id: u32, handle: &[u8]) {
        let packet = self.begin(kind::HANDLE, id);
        self.string(handle);
        self.end(packet);
    }

    /// ATTRS.
    pub fn attrs(&mut self, id: u32, attrs: &Attrs) {
        let packet = self.begin(kind::ATTRS, id);
        attrs.encode(&mut self.0);
        self.end(packet);
    }

    /// NAME with one name and no attributes, as REALPATH and READLINK answer.
    pub fn one_name(&mut self, id: u32, name: &[u8]) {
        let mut names = self.names(id);
        names.push(name, name, &Attrs::default());
        names.finish();
    }

    /// NAME with as many names as the caller adds.
    pub fn names(&mut self, id: u32) -> Names<'_> {
        let packet = self.begin(kind::NAME, id);
        self.u32(0);
        Names {
            replies: self,
            packet,
            count: 0,
        }
    }

    /// DATA without any.
    pub fn no_data(&mut self, id: u32) {
        let packet = self.begin(kind::DATA, id);
        self.u32(0);
        self.end(packet);
    }

    /// DATA of up to `most` bytes that `fill` writes in place; nothing is kept when it fails or writes none.
    ///
    /// # Errors
    /// What `fill` says.
    pub fn data<E>(
        &mut self,
        id: u32,
        most: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let packet = self.begin(kind::DATA, id);
        self.u32(0);
        let start = self.0.len();
        self.0.resize(start + most, 0);
        let filled = fill(self.0.get_mut(start..).unwrap_or_default());
        let count = match filled {
            Ok(count) if count > 0 => count.min(most),
            nothing => {
                self.0.truncate(packet.start);
                return nothing;
            }
        };
        self.0.truncate(start + count);
        self.patch(start - 4, count);
        self.end(packet);
        Ok(count)
    }

    /// EXTENDED_REPLY whose fields `write` appends.
    pub fn extended(&mut self, id: u32, write: impl FnOnce(&mut Self)) {
        let packet = self.begin(kind::EXTENDED_REPLY, id);
        write(self);
        self.end(packet);
    }

    /// VERSION with the extensions offered.
    pub fn version<'a>(
        &mut self,
        version: u32,
        extensions: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        let start = self.0.len();
        self.u32(0);
        self.0.push(kind::VERSION);
        self.u32(version);
        for (name, data) in extensions {
            self.string(name.as_bytes());
            self.string(data.as_bytes());
        }
        self.end(Packet { start });
    }

    /// `uint32`.
    pub fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    /// `uint64`.
    pub fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    /// `string`.
    pub fn string(&mut self, bytes: &[u8]) {
        put_string(&mut self.0, bytes);
    }

    fn begin(&mut self, kind: u8, id: u32) -> Packet {
        let start = self.0.len();
        self.u32(0);
        self.0.push(kind);
        self.u32(id);
        Packet { start }
    }

    fn end(&mut self, packet: Packet) {
        self.patch(packet.start, self.0.len() - packet.start - 4);
    }

    fn patch(&mut self, at: usize, length: usize) {
        // Replies are bounded far below 4 GiB.
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        if let Some(field) = self.0.get_mut(at..at + 4) {
            field.copy_from_slice(&length.to_be_bytes());
        }
    }
}

/// The start of a packet whose length is not known yet.
struct Packet {
    start: usize,
}

/// A NAME reply being written.
pub struct Names<'a> {
    replies: &'a mut Replies,
    packet: Packet,
    count: u32,
}

impl Names<'_> {
    /// Adds a name with its `ls -l` line and attributes.
    pub fn push(&mut self, name: &[u8], long_name: &[u8], attrs: &Attrs) {
        self.replies.string(name);
        self.replies.string(long_name);
        attrs.encode(&mut self.replies.0);
        self.count += 1;
    }

    /// Bytes of this reply so far.
    pub fn len(&self) -> usize {
        self.replies.0.len() - self.packet.start
    }

    /// Has no name been added?
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Completes the reply.
    pub fn finish(self) {
        let Self {
            replies,
            packet,
            count,
        } = self;
        if let Some(field) = replies.0.get_mut(packet.start + 9..packet.start + 13) {
            field.copy_from_slice(&count.to_be_bytes());
        }
        replies.end(packet);
    }

    /// Takes the reply back.
    pub fn discard(self) {
        self.replies.0.truncate(self.packet.start);
    }
}

/// Appends a `string` to `to`.
pub(crate) fn put_string(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    to.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_as_the_draft_has_it() {
        let mut replies = Replies::default();
        replies.status(7, StatusCode::NoSuchFile, "gone");
        assert_eq!(replies.take(), b"\x00\x00\x00\x25\x65\x00\x00\x00\x07\x00\x00\x00\x02\x00\x00\x00\x12No such file: gone\x00\x00\x00\x02en");
        replies.status(8, StatusCode::Ok, "");
        assert_eq!(replies.take(), b"\x00\x00\x00\x1a\x65\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x07Success\x00\x00\x00\x02en");
    }

    #[test]
    fn data_keeps_what_was_filled_and_nothing_at_the_end() {
        let mut replies = Replies::default();
        let filled: Result<usize, ()> = replies.data(1, 8, |buffer| {
            buffer[..3].copy_from_slice(b"abc");
            Ok(3)
        });
        assert_eq!(filled, Ok(3));
        assert_eq!(replies.data(2, 8, |_| Ok::<_, ()>(0)), Ok(0));
        assert_eq!(replies.data(3, 8, |_| Err::<usize, _>(())), Err(()));
        assert_eq!(
            replies.take(),
            b"\x00\x00\x00\x0c\x67\x00\x00\x00\x01\x00\x00\x00\x03abc"
        );
    }

    #[test]
    fn names_count_themselves() {
        let mut replies = Replies::default();
        replies.one_name(9, b"/");
        assert_eq!(
            replies.take(),
            b"\x00\x00\x00\x17\x68\x00\x00\x00\x09\x00\x00\x00\x01\x00\x00\x00\x01/\x00\x00\x00\x01/\x00\x00\x00\x00"
        );
        let mut names = replies.names(1);
        names.push(b"a", b"a", &Attrs::default());
        names.discard();
        assert!(replies.is_empty());
    }

    #[test]
    fn version_lists_extensions() {
        let mut replies = Replies::default();
        replies.version(3, [("x@y", "1")]);
        assert_eq!(
            replies.take(),
            b"\x00\x00\x00\x11\x02\x00\x00\x00\x03\x00\x00\x00\x03x@y\x00\x00\x00\x011"
        );
    }
}
