//! Opening what came.

use ring::aead::chacha20_poly1305_openssh::OpeningKey;

use super::{
    BadKey, Cipher, Forged, LENGTH_LEN, Mac, Shape, Uses, aead::TAG_LEN, blocks, mode::Mode,
};

/// One direction's incoming packets.
pub(crate) struct Opener {
    pub(super) shape: Shape,
    mode: Mode<OpeningKey>,
    pub(super) uses: Uses,
    hides_failures: bool,
}

impl Opener {
    /// Before the first NEWKEYS: nothing is encrypted.
    pub(crate) fn clear() -> Self {
        Self {
            shape: Shape::CLEAR,
            mode: Mode::Clear,
            uses: Uses::default(),
            hides_failures: false,
        }
    }

    /// With the keys of an exchange. The MAC and its key are not looked at where the cipher has its own.
    ///
    /// # Errors
    /// A key or the IV has a wrong length, or a MAC is missing.
    pub(crate) fn new(
        cipher: Cipher,
        mac: Option<Mac>,
        key: &[u8],
        iv: &[u8],
        mac_key: &[u8],
    ) -> Result<Self, BadKey> {
        let mac = mac.filter(|_| !cipher.has_own_mac());
        let keys = [key, iv, mac_key];
        let mode = Mode::new(cipher, mac, keys, OpeningKey::new, blocks::decrypting)?;
        Ok(Self {
            shape: Shape::new(cipher, mac),
            hides_failures: cipher.is_cbc() && matches!(mode, Mode::EncryptAndMac(..)),
            mode,
            uses: Uses::default(),
        })
    }

    /// How many bytes of a packet have to be there before its length is known: the length field, or the block that it is
    /// encrypted in.
    pub(crate) fn head_len(&self) -> usize {
        match self.mode {
            Mode::EncryptAndMac(..) => self.shape.block_len,
            _ => LENGTH_LEN,
        }
    }

    /// The length field, from the first [`Self::head_len`] bytes of a packet; to be called once for each packet.
    ///
    /// A head that is encrypted with the rest is decrypted in place; chacha20's stays as it came. Nothing is known to be genuine.
    pub(crate) fn length(&mut self, seq: u32, head: &mut [u8]) -> u32 {
        if let Mode::EncryptAndMac(blocks, _) = &mut self.mode {
            blocks::apply(blocks.as_mut(), head);
        }
        let Some(field) = head.first_chunk().copied() else {
            return 0;
        };
        match &self.mode {
            Mode::ChaCha(key) => u32::from_be_bytes(key.decrypt_packet_length(seq, field)),
            _ => u32::from_be_bytes(field),
        }
    }

    /// Whether a packet with this length field is whole blocks.
    pub(crate) fn is_aligned(&self, length: u32) -> bool {
        self.shape.is_aligned(length)
    }

    /// How many bytes are behind those that the length field counts.
    pub(crate) fn tag_len(&self) -> usize {
        self.shape.tag_len
    }

    /// Verifies and decrypts a whole packet in place: length field, padding length, payload, padding and tag. chacha20's length
    /// field stays as it came.
    ///
    /// # Errors
    /// The packet is not what the peer sealed under this number. The buffer is not to be read then.
    pub(crate) fn open(&mut self, seq: u32, packet: &mut [u8]) -> Result<(), Forged> {
        self.try_open(seq, packet).ok_or(Forged)
    }

    fn try_open(&mut self, seq: u32, packet: &mut [u8]) -> Option<()> {
        let head_len = self.head_len();
        let (packet, tag) = self.shape.split(packet)?;
        match &mut self.mode {
            Mode::Clear => {}
            Mode::Gcm(gcm) => gcm.open(packet, tag)?,
            Mode::ChaCha(key) => {
                let tag: &[u8; TAG_LEN] = (&*tag).try_into().ok()?;
                key.open_in_place(seq, packet, tag).ok()?;
            }
            Mode::EncryptThenMac(blocks, mac) => {
                if !mac.is_tag(seq, packet, tag) {
                    return None;
                }
                blocks::apply(blocks.as_mut(), packet.get_mut(LENGTH_LEN..)?);
            }
            Mode::EncryptAndMac(blocks, mac) => {
                blocks::apply(blocks.as_mut(), packet.get_mut(head_len..)?);
                if !mac.is_tag(seq, packet, tag) {
                    return None;
                }
            }
        }
        self.uses.one_more()
    }

    /// A failure must not show at once: the engine reads on as far as the largest packet goes and disconnects then, because the
    /// place of the failure would tell something about the text (CVE-2008-5161). CBC, where the length is encrypted.
    pub(crate) fn hides_failures(&self) -> bool {
        self.hides_failures
    }

    /// Authenticates so many bytes that nobody needs: the time until a failure shows is to be the same wherever it was.
    pub(crate) fn hash_on(&self, count: usize) {
        if let Mode::EncryptAndMac(_, mac) = &self.mode {
            mac.spend(count);
        }
    }
}
