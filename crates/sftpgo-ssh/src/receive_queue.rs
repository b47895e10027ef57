//! What arrived on a channel and was not taken yet.

/// Bytes in the order in which they arrived.
#[derive(Debug, Default)]
pub(crate) struct ReceiveQueue {
    buffer: Vec<u8>,
    /// Bytes of the buffer that were taken.
    start: usize,
}

impl ReceiveQueue {
    /// Adds what arrived and returns a buffer that is not needed any more, for its capacity.
    pub(crate) fn push(&mut self, data: Vec<u8>) -> Vec<u8> {
        let start = std::mem::take(&mut self.start);
        if start == self.buffer.len() {
            return std::mem::replace(&mut self.buffer, data);
        }
        self.buffer.drain(..start);
        self.buffer.extend_from_slice(&data);
        data
    }

    /// Returns what has arrived and was not taken.
    pub(crate) fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Takes `count` bytes, or as many as there are, and returns them.
    pub(crate) fn take(&mut self, count: usize) -> &[u8] {
        let from = self.start;
        self.start = from.saturating_add(count).min(self.buffer.len());
        self.buffer.get(from..self.start).unwrap_or_default()
    }

    /// Takes back the `count` bytes that were taken last.
    pub(crate) fn put_back(&mut self, count: usize) {
        self.start = self.start.saturating_sub(count);
    }

    /// Holds no more memory than for what was not taken.
    pub(crate) fn shrink(&mut self) {
        let start = std::mem::take(&mut self.start);
        self.buffer.drain(..start);
        self.buffer.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_leaves_and_what_arrives_goes_behind_the_rest() {
        let mut queue = ReceiveQueue::default();
        assert_eq!(queue.push(b"abc".to_vec()), b"");
        assert_eq!(queue.take(1), b"a");
        assert_eq!(queue.push(b"de".to_vec()), b"de");
        assert_eq!(queue.rest(), b"bcde");
        assert_eq!(queue.take(9), b"bcde");
        queue.put_back(2);
        assert_eq!(queue.rest(), b"de");
        queue.shrink();
        assert_eq!(queue.buffer.capacity(), 2);
        queue.take(2);
        assert_eq!(queue.push(b"f".to_vec()), b"de", "the buffer is not copied");
        assert_eq!(queue.rest(), b"f");
    }
}
