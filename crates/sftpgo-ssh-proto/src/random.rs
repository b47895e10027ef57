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
