//! Sealing what is sent.

use ring::aead::chacha20_poly1305_openssh::SealingKey;

use super::{
    BadKey, Cipher, LENGTH_LEN, Mac, SealFailed, Shape, Uses, aead::TAG_LEN, blocks, mode::Mode,
};

/// One direction's outgoing packets.
pub(crate) struct Sealer {
    pub(super) shape: Shape,
    mode: Mode<SealingKey>,
    pub(super) uses: Uses,
}

impl Sealer {
    /// Before the first NEWKEYS: nothing is encrypted.
    pub(crate) fn clear() -> Self {
        Self {
            shape: Shape::CLEAR,
            mode: Mode::Clear,
            uses: Uses::default(),
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
        let mode = Mode::new(cipher, mac, keys, SealingKey::new, blocks::encrypting)?;
        Ok(Self {
            shape: Shape::new(cipher, mac),
            mode,
            uses: Uses::default(),
        })
    }

    /// The padding for a payload: at least 4 bytes, so that the packet is whole blocks.
    pub(crate) fn padding_len(&self, payload_len: usize) -> u8 {
        self.shape.padding_len(payload_len)
    }

    /// The room behind a packet that its tag needs.
    pub(crate) fn tag_len(&self) -> usize {
        self.shape.tag_len
    }

    /// Encrypts a packet in place and writes its tag: length field, padding length, payload, padding, and room for the tag.
    ///
    /// # Errors
    /// The packet is not whole blocks with room behind them, or the key is used up. The buffer is not to be sent then.
    pub(crate) fn seal(&mut self, seq: u32, packet: &mut [u8]) -> Result<(), SealFailed> {
        self.try_seal(seq, packet).ok_or(SealFailed)
    }

    fn try_seal(&mut self, seq: u32, packet: &mut [u8]) -> Option<()> {
        let (packet, tag) = self.shape.split(packet)?;
        self.uses.one_more()?;
        match &mut self.mode {
            Mode::Clear => {}
            Mode::Gcm(gcm) => gcm.seal(packet, tag)?,
            Mode::ChaCha(key) => {
                let tag: &mut [u8; TAG_LEN] = tag.try_into().ok()?;
                key.seal_in_place(seq, packet, tag);
            }
            Mode::EncryptThenMac(blocks, mac) => {
                blocks::apply(blocks.as_mut(), packet.get_mut(LENGTH_LEN..)?);
                tag.copy_from_slice(mac.tag(seq, packet).as_ref());
            }
            Mode::EncryptAndMac(blocks, mac) => {
                tag.copy_from_slice(mac.tag(seq, packet).as_ref());
                blocks::apply(blocks.as_mut(), packet);
            }
        }
        Some(())
    }
}
