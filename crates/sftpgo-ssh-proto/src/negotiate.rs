//! KEXINIT (RFC 4253 section 7.1): what is offered, what the client has, and what both use.

use crate::{
    Config,
    cipher::{Cipher, Mac},
    kex::Kex,
    key::KeyAlgorithm,
    number,
    wire::{Malformed, Reader, put_bool, put_name_list, put_u8, put_u32},
};

/// The server answers the client's signatures and takes messages about extensions (RFC 8308 section 2.1).
const EXT_INFO_SERVER: &str = "ext-info-s";
const EXT_INFO_CLIENT: &[u8] = b"ext-info-c";
/// Strict key exchange (draft-ietf-sshm-strict-kex, OpenSSH PROTOCOL section 1.11).
const STRICT_SERVER: &str = "kex-strict-s-v00@openssh.com";
const STRICT_CLIENT: &[u8] = b"kex-strict-c-v00@openssh.com";

const NO_COMPRESSION: &str = "none";
const ZLIB: &str = "zlib@openssh.com";

/// The longest list of names that is read.
const LONGEST_LIST: usize = 8 * 1024;

/// A client's KEXINIT.
#[derive(Debug)]
pub(crate) struct ClientOffer<'a> {
    kex: Names<'a>,
    host_key: Names<'a>,
    cipher_in: Names<'a>,
    cipher_out: Names<'a>,
    mac_in: Names<'a>,
    mac_out: Names<'a>,
    compression_in: Names<'a>,
    compression_out: Names<'a>,
    first_kex_packet_follows: bool,
}

/// Names, best first.
#[derive(Debug, Clone, Copy)]
struct Names<'a>(&'a [u8]);

impl<'a> Names<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let list = reader.string()?;
        match list.len() <= LONGEST_LIST {
            true => Ok(Self(list)),
            false => Err(Malformed),
        }
    }

    fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        self.0
            .split(|byte| *byte == b',')
            .filter(|name| !name.is_empty())
    }

    fn has(self, name: &[u8]) -> bool {
        self.iter().any(|own| own == name)
    }

    fn first(self) -> &'a [u8] {
        self.iter().next().unwrap_or_default()
    }

    /// The client's first that is ours too.
    fn choose<T: Copy>(self, ours: &[T], name: impl Fn(T) -> &'static str) -> Option<T> {
        self.iter().find_map(|wanted| {
            ours.iter()
                .copied()
                .find(|own| name(*own).as_bytes() == wanted)
        })
    }
}

impl<'a> ClientOffer<'a> {
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(payload);
        reader.u8()?;
        reader.bytes(16)?;
        let mut names = || Names::read(&mut reader);
        let offer = Self {
            kex: names()?,
            host_key: names()?,
            cipher_in: names()?,
            cipher_out: names()?,
            mac_in: names()?,
            mac_out: names()?,
            compression_in: names()?,
            compression_out: names()?,
            first_kex_packet_follows: {
                names()?;
                names()?;
                reader.bool()?
            },
        };
        reader.u32()?;
        reader.end()?;
        Ok(offer)
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.kex.has(STRICT_CLIENT)
    }

    pub(crate) fn takes_ext_info(&self) -> bool {
        self.kex.has(EXT_INFO_CLIENT)
    }

    /// How the server's offers have to differ from the usual for this client. What is offered must be common: a list may have
    /// ciphers and MACs that are better than encrypt-and-MAC and nothing of them that is here.
    pub(crate) fn needs(&self, config: &Config) -> Needs {
        let has_etm = config.macs.iter().filter(|mac| mac.is_etm()).any(|mac| {
            self.mac_in.has(mac.name().as_bytes()) || self.mac_out.has(mac.name().as_bytes())
        });
        let needs = |(is_careful, authenticity)| {
            let is_open_to_terrapin = is_careful && !self.is_strict();
            Needs {
                no_chacha20: is_open_to_terrapin,
                no_cbc: is_open_to_terrapin && has_etm,
                authenticity,
            }
        };
        // From the best on. Who has nothing but what could be cut gets in all the same: nobody between can bring that about.
        let ways = [
            (true, Authenticity::Usual),
            (true, Authenticity::OnlyAead),
            (true, Authenticity::EncryptAndMac),
            (false, Authenticity::Usual),
            (false, Authenticity::OnlyAead),
            (false, Authenticity::EncryptAndMac),
        ];
        ways.into_iter()
            .map(needs)
            .find(|needs| {
                let offer = ServerOffer::new(config, Some(*needs), None);
                let has_mac = needs.authenticity != Authenticity::Usual || offer.has_mac(self);
                has_mac && offer.protects(self)
            })
            .unwrap_or_else(|| needs((true, Authenticity::EncryptAndMac)))
    }
}

/// What a client was found to need when its first KEXINIT came before the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    /// It has no strict key exchange: messages could be cut off its start unseen (CVE-2023-48795).
    no_chacha20: bool,
    /// The same, of CBC with encrypt-then-MAC.
    no_cbc: bool,
    authenticity: Authenticity,
}

impl Needs {
    /// Of a client that is not known, or known to be old.
    pub(crate) fn of_old_clients() -> Self {
        Self {
            no_chacha20: true,
            no_cbc: true,
            authenticity: Authenticity::EncryptAndMac,
        }
    }
}

/// What authenticates packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Authenticity {
    Usual,
    /// It has an AEAD cipher, and no MAC but encrypt-and-MAC. Some want a MAC in common for a cipher that has its own.
    OnlyAead,
    /// It has nothing else.
    EncryptAndMac,
}

/// What a server offers in one exchange.
#[derive(Debug, Clone)]
pub(crate) struct ServerOffer {
    kex: Vec<Kex>,
    host_key: Vec<KeyAlgorithm>,
    ciphers: Vec<Cipher>,
    macs: Vec<Mac>,
    compression: bool,
}

impl ServerOffer {
    /// To a client whose needs may be known already. One that knows the server by the key of the first exchange is offered
    /// no other in the later ones.
    pub(crate) fn new(config: &Config, needs: Option<Needs>, known: Option<KeyAlgorithm>) -> Self {
        let mut ciphers = config.ciphers.clone();
        let mut macs = config.macs.clone();
        if let Some(needs) = needs {
            match needs.authenticity {
                Authenticity::Usual => {}
                Authenticity::OnlyAead => {
                    ciphers.retain(|cipher| cipher.has_own_mac());
                    macs.extend_from_slice(&config.macs_on_need);
                }
                Authenticity::EncryptAndMac => macs.extend_from_slice(&config.macs_on_need),
            }
            if needs.no_chacha20 {
                ciphers.retain(|cipher| *cipher != Cipher::ChaCha20Poly1305);
            }
            if needs.no_cbc {
                ciphers.retain(|cipher| !cipher.is_cbc());
            }
        }
        let known = known.map(|algorithm| config.host_key_blob(algorithm));
        let has_key = |algorithm: &KeyAlgorithm| {
            let blob = config.host_key_blob(*algorithm);
            blob.is_some() && known.is_none_or(|known| known == blob)
        };
        let host_key = config.host_key_algorithms.iter().copied().filter(has_key);
        Self {
            kex: config.kex.clone(),
            host_key: host_key.collect(),
            ciphers,
            macs,
            compression: config.compression,
        }
    }

    /// The message, with a cookie that is random.
    pub(crate) fn message(&self, cookie: [u8; 16], first: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        put_u8(&mut out, number::KEXINIT);
        out.extend_from_slice(&cookie);
        let more: &[&str] = match first {
            true => &[EXT_INFO_SERVER, STRICT_SERVER],
            false => &[],
        };
        let kex = self.kex.iter().map(|kex| kex.name());
        put_name_list(&mut out, kex.chain(more.iter().copied()));
        put_name_list(&mut out, self.host_key.iter().map(|key| key.name()));
        for _ in 0..2 {
            put_name_list(&mut out, self.ciphers.iter().map(|cipher| cipher.name()));
        }
        for _ in 0..2 {
            put_name_list(&mut out, self.macs.iter().map(|mac| mac.name()));
        }
        for _ in 0..2 {
            put_name_list(&mut out, self.compressions().iter().copied());
        }
        for _ in 0..2 {
            put_name_list(&mut out, []);
        }
        put_bool(&mut out, false);
        put_u32(&mut out, 0);
        out
    }

    /// What both sides use, or what they have not in common.
    pub(crate) fn agree(&self, client: &ClientOffer<'_>) -> Result<Agreed, &'static str> {
        let kex = client
            .kex
            .choose(&self.kex, Kex::name)
            .ok_or("no key exchange method in common")?;
        let host_key = client
            .host_key
            .choose(&self.host_key, KeyAlgorithm::name)
            .ok_or("no host key algorithm in common")?;
        let way = |ciphers: Names<'_>, macs: Names<'_>, compression: Names<'_>| {
            let (cipher, mac) = self.protection(ciphers, macs)?;
            let chosen = compression
                .choose(self.compressions(), |name| name)
                .ok_or("no compression in common")?;
            Ok::<_, &'static str>(Way {
                cipher,
                mac,
                zlib: chosen == ZLIB,
            })
        };
        let is_guess_right = client.kex.first() == first_name(&self.kex, Kex::name)
            && client.host_key.first() == first_name(&self.host_key, KeyAlgorithm::name);
        Ok(Agreed {
            kex,
            host_key,
            inbound: way(client.cipher_in, client.mac_in, client.compression_in)?,
            outbound: way(client.cipher_out, client.mac_out, client.compression_out)?,
            skip_guess: client.first_kex_packet_follows && !is_guess_right,
        })
    }

    fn compressions(&self) -> &'static [&'static str] {
        match self.compression {
            true => &[NO_COMPRESSION, ZLIB],
            false => &[NO_COMPRESSION],
        }
    }

    /// What encrypts and authenticates one direction.
    fn protection(
        &self,
        ciphers: Names<'_>,
        macs: Names<'_>,
    ) -> Result<(Cipher, Option<Mac>), &'static str> {
        let cipher = ciphers
            .choose(&self.ciphers, Cipher::name)
            .ok_or("no cipher in common")?;
        if cipher.has_own_mac() {
            return Ok((cipher, None));
        }
        let mac = macs.choose(&self.macs, Mac::name);
        Ok((cipher, Some(mac.ok_or("no MAC in common")?)))
    }

    /// Has the client a MAC of ours, or none at all, in each direction?
    fn has_mac(&self, client: &ClientOffer<'_>) -> bool {
        [client.mac_in, client.mac_out]
            .into_iter()
            .all(|macs| macs.first().is_empty() || macs.choose(&self.macs, Mac::name).is_some())
    }

    /// Is there something for both directions?
    fn protects(&self, client: &ClientOffer<'_>) -> bool {
        self.protection(client.cipher_in, client.mac_in).is_ok()
            && self.protection(client.cipher_out, client.mac_out).is_ok()
    }
}

fn first_name<T: Copy>(ours: &[T], name: impl Fn(T) -> &'static str) -> &'static [u8] {
    ours.first().map_or(b"", |first| name(*first).as_bytes())
}

/// What one exchange of keys goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreed {
    pub(crate) kex: Kex,
    pub(crate) host_key: KeyAlgorithm,
    /// From the client.
    pub(crate) inbound: Way,
    /// To the client.
    pub(crate) outbound: Way,
    /// The client has guessed wrong: its next packet is void (RFC 4253 section 7).
    pub(crate) skip_guess: bool,
}

/// Algorithms of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) cipher: Cipher,
    pub(crate) mac: Option<Mac>,
    pub(crate) zlib: bool,
}

#[cfg(test)]
mod tests;
