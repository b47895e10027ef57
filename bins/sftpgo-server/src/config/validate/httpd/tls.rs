//! Keys of TLS to TLS, with its files read.

use std::{path::PathBuf, sync::Arc};

use sftpgo_api::{ClientCertificates, Tls, TlsError, TlsOptions, TlsPart, TlsVersion};

use super::Check;
use crate::config::keys;

/// The keys that name the files.
struct FileKeys {
    certificate: String,
    key: String,
}

impl Check<'_> {
    /// Returns TLS as SFTPGo 0.9.6 and 1.x have it, which speak it as soon as there is a certificate.
    pub(super) fn old_tls(&mut self, keys: &keys::Httpd) -> Option<Arc<Tls>> {
        let files = self.files("httpd", &keys.certificate_file, &keys.certificate_key_file)?;
        let binding = keys::HttpBinding::default();
        self.load("httpd", files, &binding, keys)
    }

    /// A binding has its own files, or else those of all.
    pub(super) fn tls(
        &mut self,
        key: &str,
        binding: &keys::HttpBinding,
        all: &keys::Httpd,
    ) -> Option<Arc<Tls>> {
        self.range(
            &format!("{key}.client_auth_type"),
            binding.client_auth_type,
            1,
        );
        if !binding.enable_https {
            if binding.client_auth_type == 1 {
                self.problem(
                    &format!("{key}.client_auth_type"),
                    "certificates of clients need enable_https",
                );
            }
            return None;
        }
        let own = (&binding.certificate_file, &binding.certificate_key_file);
        let of_all = (&all.certificate_file, &all.certificate_key_file);
        let (section, (certificate, private_key)) = if own.0.is_empty() && own.1.is_empty() {
            ("httpd", of_all)
        } else {
            (key, own)
        };
        let files = self.files(section, certificate, private_key);
        if certificate.is_empty() && private_key.is_empty() {
            self.problem(
                &format!("{key}.enable_https"),
                "TLS needs certificate_file and certificate_key_file, in the binding or in httpd",
            );
        }
        self.load(key, files?, binding, all)
    }

    /// Returns the certificate's file and the key's: both or none.
    fn files(
        &mut self,
        section: &str,
        certificate: &str,
        private_key: &str,
    ) -> Option<(FileKeys, [PathBuf; 2])> {
        let [certificate_key, private_key_key] =
            ["certificate_file", "certificate_key_file"].map(|name| format!("{section}.{name}"));
        match (self.path(certificate), self.path(private_key)) {
            (Some(certificate), Some(private_key)) => Some((
                FileKeys {
                    certificate: certificate_key,
                    key: private_key_key,
                },
                [certificate, private_key],
            )),
            (None, None) => None,
            (Some(_), None) => {
                self.problem(&private_key_key, "the certificate needs its private key");
                None
            }
            (None, Some(_)) => {
                self.problem(&certificate_key, "the private key needs its certificate");
                None
            }
        }
    }

    fn load(
        &mut self,
        key: &str,
        (file_keys, [certificate, private_key]): (FileKeys, [PathBuf; 2]),
        binding: &keys::HttpBinding,
        all: &keys::Httpd,
    ) -> Option<Arc<Tls>> {
        let of = |name: &str| format!("{key}.{name}");
        let options = TlsOptions {
            certificate,
            key: private_key,
            min_version: match binding.min_tls_version {
                12 => TlsVersion::V12,
                13 => TlsVersion::V13,
                other => {
                    self.problem(
                        &of("min_tls_version"),
                        format_args!("{other} is not 12 or 13"),
                    );
                    TlsVersion::V13
                }
            },
            cipher_suites: binding.tls_cipher_suites.clone(),
            protocols: binding.tls_protocols.clone(),
            clients: (binding.client_auth_type == 1).then(|| ClientCertificates {
                authorities: self.paths(&all.ca_certificates),
                revocation_lists: self.paths(&all.ca_revocation_lists),
            }),
        };
        if let Some(clients) = &options.clients
            && clients.authorities.is_empty()
        {
            self.problem(
                &of("client_auth_type"),
                "certificates of clients need the authorities that have signed them in httpd.ca_certificates",
            );
            return None;
        }
        match Tls::load(options) {
            Ok(tls) => Some(Arc::new(tls)),
            Err(TlsError { part, reason }) => {
                let key = match part {
                    TlsPart::Certificate => file_keys.certificate,
                    TlsPart::Key => file_keys.key,
                    TlsPart::Authorities => "httpd.ca_certificates".to_owned(),
                    TlsPart::RevocationLists => "httpd.ca_revocation_lists".to_owned(),
                    TlsPart::CipherSuites => of("tls_cipher_suites"),
                    TlsPart::Protocols => of("tls_protocols"),
                };
                self.problem(&key, reason);
                None
            }
        }
    }
}
