//! From the contents of files to what rustls works with.

use std::{path::Path, sync::Arc};

use rustls::{
    Error, RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, pem, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};

use super::{TlsError, TlsOptions, TlsPart, TlsVersion, files::Contents};

/// The protocols as ALPN has them (RFC 7301), best first.
const PROTOCOLS: [&str; 2] = ["h2", "http/1.1"];
const HTTP_1_1: &[u8] = b"http/1.1";
const HTTP_1_0: &[u8] = b"http/1.0";

const SINCE_12: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
const SINCE_13: &[&SupportedProtocolVersion] = &[&TLS13];

/// The cipher suites of TLS 1.2 that there are, best first, by their registered names.
fn cipher_suite_names() -> Vec<String> {
    let suites = ring::DEFAULT_CIPHER_SUITES.iter().copied();
    suites.filter(is_of_12).map(name).collect()
}

pub(super) fn server_config(
    options: &TlsOptions,
    contents: &Contents,
) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(CryptoProvider {
        cipher_suites: cipher_suites(&options.cipher_suites)?,
        ..ring::default_provider()
    });
    let versions = match options.min_version {
        TlsVersion::V12 => SINCE_12,
        TlsVersion::V13 => SINCE_13,
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| TlsError::new(TlsPart::CipherSuites, error.to_string()))?;
    let builder = match &options.clients {
        None => builder.with_no_client_auth(),
        Some(_) => builder.with_client_cert_verifier(clients(contents, &provider)?),
    };
    let (certificate, key) = (&options.certificate, &options.key);
    let mut config = builder
        .with_single_cert(
            certificates(TlsPart::Certificate, certificate, &contents.certificate)?,
            private_key(key, &contents.key)?,
        )
        .map_err(|error| refused(certificate, key, &error))?;
    config.alpn_protocols = protocols(&options.protocols)?;
    Ok(config)
}

fn refused(certificate: &Path, key: &Path, error: &Error) -> TlsError {
    let (certificate, key) = (certificate.display(), key.display());
    match error {
        Error::InconsistentKeys(_) => TlsError::new(
            TlsPart::Key,
            format!("{key} is not the key of the certificate {certificate}"),
        ),
        Error::InvalidCertificate(_) => TlsError::new(
            TlsPart::Certificate,
            format!("{certificate} cannot be used: {error}"),
        ),
        _ => TlsError::new(TlsPart::Key, format!("{key} cannot be used: {error}")),
    }
}

fn certificates(
    part: TlsPart,
    path: &Path,
    text: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let shown = path.display();
    let certificates = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>();
    let certificates =
        certificates.map_err(|error| TlsError::new(part, format!("{shown}: {error}")))?;
    if certificates.is_empty() {
        let reason = format!("{shown} holds no certificate in PEM");
        return Err(TlsError::new(part, reason));
    }
    Ok(certificates)
}

fn private_key(path: &Path, text: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    let shown = path.display();
    PrivateKeyDer::from_pem_slice(text).map_err(|error| {
        let reason = match error {
            pem::Error::NoItemsFound => {
                format!("{shown} holds no private key in PEM without a passphrase")
            }
            error => format!("{shown}: {error}"),
        };
        TlsError::new(TlsPart::Key, reason)
    })
}

/// Makes the check of clients' certificates: an authority has to have signed them, and no list may name them. A list need
/// not be of every authority.
fn clients(
    contents: &Contents,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for (path, text) in &contents.authorities {
        for certificate in certificates(TlsPart::Authorities, path, text)? {
            roots.add(certificate).map_err(|error| {
                let reason = format!("{}: {error}", path.display());
                TlsError::new(TlsPart::Authorities, reason)
            })?;
        }
    }
    let mut lists = Vec::new();
    for (path, bytes) in &contents.revocation_lists {
        lists.extend(revocation_lists(path, bytes)?);
    }
    let has_lists = !lists.is_empty();
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .with_crls(lists)
        .allow_unknown_revocation_status()
        .build()
        .map_err(|error| {
            let part = if has_lists {
                TlsPart::RevocationLists
            } else {
                TlsPart::Authorities
            };
            TlsError::new(part, error.to_string())
        })
}

fn revocation_lists(
    path: &Path,
    bytes: &[u8],
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let problem = |reason: String| {
        let reason = format!("{}: {reason}", path.display());
        TlsError::new(TlsPart::RevocationLists, reason)
    };
    // DER begins with a sequence.
    if bytes.first() == Some(&0x30) {
        return Ok(vec![CertificateRevocationListDer::from(bytes.to_vec())]);
    }
    let lists = CertificateRevocationListDer::pem_slice_iter(bytes).collect::<Result<Vec<_>, _>>();
    let lists = lists.map_err(|error| problem(error.to_string()))?;
    if lists.is_empty() {
        return Err(problem("holds no revocation list in PEM or DER".to_owned()));
    }
    Ok(lists)
}

/// Returns the suites of TLS 1.3, then those of TLS 1.2 that are asked for.
fn cipher_suites(asked: &[String]) -> Result<Vec<SupportedCipherSuite>, TlsError> {
    if asked.is_empty() {
        return Ok(ring::DEFAULT_CIPHER_SUITES.to_vec());
    }
    let (of_12, mut chosen): (Vec<_>, Vec<_>) = ring::DEFAULT_CIPHER_SUITES
        .iter()
        .partition(|suite| is_of_12(suite));
    for asked in asked {
        let found = of_12.iter().find(|suite| name(**suite) == *asked);
        chosen.push(*found.ok_or_else(|| {
            let reason = unknown(asked, &cipher_suite_names());
            TlsError::new(TlsPart::CipherSuites, reason)
        })?);
    }
    Ok(chosen)
}

fn is_of_12(suite: &SupportedCipherSuite) -> bool {
    suite.version() == &TLS12
}

fn name(suite: SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite())
}

/// Old clients that ask for HTTP/1.0 are served where HTTP/1.1 is.
fn protocols(asked: &[String]) -> Result<Vec<Vec<u8>>, TlsError> {
    let mut protocols = if asked.is_empty() {
        PROTOCOLS.map(|name| name.as_bytes().to_vec()).to_vec()
    } else {
        known_protocols(asked)?
    };
    if protocols.iter().any(|name| name == HTTP_1_1) {
        protocols.push(HTTP_1_0.to_vec());
    }
    Ok(protocols)
}

fn known_protocols(asked: &[String]) -> Result<Vec<Vec<u8>>, TlsError> {
    let protocols = asked.iter().map(|name| {
        if PROTOCOLS.contains(&name.as_str()) {
            Ok(name.as_bytes().to_vec())
        } else {
            let known = PROTOCOLS.map(str::to_owned);
            Err(TlsError::new(TlsPart::Protocols, unknown(name, &known)))
        }
    });
    protocols.collect()
}

fn unknown(name: &str, known: &[String]) -> String {
    format!("{name:?} is not one of {}", known.join(", "))
}
