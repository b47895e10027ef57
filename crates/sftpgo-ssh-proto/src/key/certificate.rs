//! Certificates of keys (OpenSSH PROTOCOL.certkeys): what an authority says of a key, and whether it is good for a login.

use std::{fmt, net::IpAddr};

use crate::wire::{Malformed, Reader};

use super::{
    algorithm::SignatureAlgorithm,
    options::{CriticalOptions, Named},
    public::PublicKey,
    source_address,
};

/// Principals of one certificate, as OpenSSH bounds them.
const PRINCIPALS: usize = 256;

/// A certificate, borrowed from the bytes it came in.
///
/// It is well-formed, and nothing else: [`check_user`](Self::check_user) says whether it is good, the caller whether its
/// [authority](Self::authority) is trusted.
#[derive(Debug, Clone)]
pub struct Certificate<'a> {
    serial: u64,
    kind: CertificateKind,
    key_id: &'a [u8],
    principals: &'a [u8],
    valid_after: u64,
    valid_before: u64,
    critical: &'a [u8],
    extensions: &'a [u8],
    options: CriticalOptions<'a>,
    authority: &'a [u8],
    signed: &'a [u8],
    signature: &'a [u8],
}

/// Whom a certificate is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateKind {
    /// A user who logs in.
    User,
    /// A server.
    Host,
}

/// Why a certificate lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateProblem {
    /// It is a server's.
    NotOfAUser,
    /// It is a user's.
    NotOfAHost,
    /// Its time has not come.
    NotYetValid,
    /// Its time is over.
    Expired,
    /// It names nobody, which some take for everybody.
    NoPrincipal,
    /// It does not name this user.
    OtherPrincipal,
    /// A critical option that is not known here, so that what it forbids is not known either.
    UnknownOption,
    /// A critical option comes twice, and readers differ in which counts.
    OptionTwice,
    /// A known critical option has a value that is none.
    BadOption,
    /// The authority signed with SHA-1, or in another way that authorities do not.
    SignatureAlgorithm,
    /// The authority did not sign it.
    BadSignature,
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotOfAUser => "the certificate is a server's",
            Self::NotOfAHost => "the certificate is a user's",
            Self::NotYetValid => "the certificate is not valid yet",
            Self::Expired => "the certificate has expired",
            Self::NoPrincipal => "the certificate names no principal",
            Self::OtherPrincipal => "the certificate does not name this user",
            Self::UnknownOption => "the certificate has an unknown critical option",
            Self::OptionTwice => "the certificate has a critical option twice",
            Self::BadOption => "a critical option of the certificate has no valid value",
            Self::SignatureAlgorithm => "the authority's way to sign is not accepted",
            Self::BadSignature => "the authority's signature is wrong",
        })
    }
}

impl std::error::Error for CertificateProblem {}

impl<'a> Certificate<'a> {
    /// `reader` is behind the key in `blob`.
    pub(super) fn read(blob: &'a [u8], mut reader: Reader<'a>) -> Result<Self, Malformed> {
        let serial = reader.u64()?;
        let kind = match reader.u32()? {
            1 => CertificateKind::User,
            2 => CertificateKind::Host,
            _ => return Err(Malformed),
        };
        let key_id = reader.string()?;
        let principals = reader.string()?;
        let (valid_after, valid_before) = (reader.u64()?, reader.u64()?);
        let critical = reader.string()?;
        let extensions = reader.string()?;
        let _reserved = reader.string()?;
        let authority = reader.string()?;
        let signed = blob
            .len()
            .checked_sub(reader.rest().len())
            .and_then(|count| blob.get(..count))
            .ok_or(Malformed)?;
        let signature = reader.string()?;
        reader.end()?;

        let mut names = Strings(Reader::new(principals));
        let count = names.by_ref().take(PRINCIPALS + 1).count();
        names.0.end()?;
        if count > PRINCIPALS {
            return Err(Malformed);
        }
        Named::new(extensions).whole()?;
        PublicKey::parse_plain(authority)?;
        Ok(Self {
            serial,
            kind,
            key_id,
            principals,
            valid_after,
            valid_before,
            critical,
            extensions,
            options: CriticalOptions::read(critical)?,
            authority,
            signed,
            signature,
        })
    }

    /// The number the authority gave it, by which it can be revoked.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// Whom it is about.
    pub fn kind(&self) -> CertificateKind {
        self.kind
    }

    /// What the authority calls it, for logs: any bytes.
    pub fn key_id(&self) -> &'a [u8] {
        self.key_id
    }

    /// The names it is good for: any bytes, commas too.
    pub fn principals(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        Strings(Reader::new(self.principals))
    }

    /// The first second it is valid in, since 1970.
    pub fn valid_after(&self) -> u64 {
        self.valid_after
    }

    /// The first second it is not valid in any more.
    pub fn valid_before(&self) -> u64 {
        self.valid_before
    }

    /// Names and values of what has to be kept to.
    pub fn critical_options(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        Named::new(self.critical)
    }

    /// Names and values of what is allowed besides.
    pub fn extensions(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        Named::new(self.extensions)
    }

    /// The blob of the key that signed it: a plain key always.
    pub fn authority(&self) -> &'a [u8] {
        self.authority
    }

    /// The command that runs in place of each that is asked for.
    pub fn force_command(&self) -> Option<&'a [u8]> {
        self.options.force_command
    }

    /// The addresses it may be used from, as written: `192.0.2.0/24,2001:db8::/32`.
    pub fn source_address(&self) -> Option<&'a [u8]> {
        self.options.source_address
    }

    /// Whether it may be used from `address`. An empty list allows none.
    pub fn source_address_allows(&self, address: IpAddr) -> bool {
        self.options
            .source_address
            .is_none_or(|list| source_address::matches(list, address))
    }

    /// Whether a signature counts only if the security key knew its user.
    pub fn requires_verification(&self) -> bool {
        self.options.verify_required
    }

    /// Whether a signature counts without anybody having touched the security key.
    pub fn allows_no_touch(&self) -> bool {
        self.extensions()
            .any(|(name, value)| name == b"no-touch-required" && value.is_empty())
    }

    /// Whether it lets `principal` in at the second `now` since 1970.
    ///
    /// It costs one signature check, so ask first whether the authority is trusted. What it restricts
    /// ([`force_command`](Self::force_command), [`source_address_allows`](Self::source_address_allows),
    /// [`requires_verification`](Self::requires_verification)) is for the caller to keep.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn check_user(&self, principal: &[u8], now: u64) -> Result<(), CertificateProblem> {
        if self.kind != CertificateKind::User {
            return Err(CertificateProblem::NotOfAUser);
        }
        if now < self.valid_after {
            return Err(CertificateProblem::NotYetValid);
        }
        if now >= self.valid_before {
            return Err(CertificateProblem::Expired);
        }
        if self.principals.is_empty() {
            return Err(CertificateProblem::NoPrincipal);
        }
        if !self.principals().any(|name| name == principal) {
            return Err(CertificateProblem::OtherPrincipal);
        }
        self.options.check()?;
        self.check_signature()
    }

    /// Whether it is a server's, and its authority signed it.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub(crate) fn check_host(&self) -> Result<(), CertificateProblem> {
        if self.kind != CertificateKind::Host {
            return Err(CertificateProblem::NotOfAHost);
        }
        self.options.check()?;
        self.check_signature()
    }

    fn check_signature(&self) -> Result<(), CertificateProblem> {
        let bad = CertificateProblem::BadSignature;
        let name = Reader::new(self.signature).string().map_err(|_| bad)?;
        let algorithm = match SignatureAlgorithm::from_name(name) {
            None
            | Some(SignatureAlgorithm::SshRsa | SignatureAlgorithm::WebauthnSkEcdsaNistP256) => {
                return Err(CertificateProblem::SignatureAlgorithm);
            }
            Some(algorithm) => algorithm,
        };
        PublicKey::parse_plain(self.authority)
            .map_err(|_| bad)?
            .verify(algorithm, &[self.signed], self.signature)
            .map(|_| ())
            .map_err(|_| bad)
    }
}

/// Strings one behind the other, up to the first that is none.
#[derive(Debug, Clone)]
struct Strings<'a>(Reader<'a>);

impl<'a> Iterator for Strings<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        self.0.string().ok()
    }
}
