//! Where random bytes come from.

/// A source of random bytes that nobody can foretell.
///
/// Cookies, padding and secret exponents are taken from it, so that a test can replay a transcript. The keys that ring makes
/// come from ring's own source, which it lets nobody replace.
pub trait Random: Send {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// There are no random bytes; the connection ends.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomBytes>;
}

/// The source of random bytes failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRandomBytes;

/// The system's source, by ring.
#[derive(Debug, Clone)]
pub struct SystemRandom(ring::rand::SystemRandom);

impl SystemRandom {
    /// The source that every process has.
    pub fn new() -> Self {
        Self(ring::rand::SystemRandom::new())
    }
}

impl Default for SystemRandom {
    fn default() -> Self {
        Self::new()
    }
}

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomBytes> {
        ring::rand::SecureRandom::fill(&self.0, bytes).map_err(|_| NoRandomBytes)
    }
}
