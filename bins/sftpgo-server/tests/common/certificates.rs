//! Certificates, made by openssl.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A certificate and its key in files of their own.
pub(crate) struct Pair {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// An authority of its own.
pub(crate) struct Authority {
    directory: PathBuf,
    pub(crate) pair: Pair,
}

/// Runs openssl with nothing on its input.
pub(crate) fn openssl(arguments: &[&str]) -> Output {
    Command::new("openssl")
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

fn made(arguments: &[&str]) {
    let output = openssl(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
}

/// A certificate for loopback that has signed itself, as `NAME.crt` and `NAME.key`.
pub(crate) fn self_signed(directory: &Path, name: &str) -> Pair {
    let names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    request(directory, name, &["-addext", names])
}

fn request(directory: &Path, name: &str, more: &[&str]) -> Pair {
    let pair = Pair {
        certificate: directory.join(format!("{name}.crt")),
        key: directory.join(format!("{name}.key")),
    };
    let subject = format!("/CN={name}");
    let curve = "ec_paramgen_curve:prime256v1";
    let arguments = [
        "req",
        "-x509",
        "-nodes",
        "-days",
        "30",
        "-newkey",
        "ec",
        "-pkeyopt",
        curve,
        "-subj",
        &subject,
        "-keyout",
        text(&pair.key),
        "-out",
        text(&pair.certificate),
    ];
    made(&[&arguments[..], more].concat());
    pair
}

impl Authority {
    pub(crate) fn new(directory: &Path, name: &str) -> Self {
        let directory = directory.join(name);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("index.txt"), "").unwrap();
        fs::write(directory.join("number"), "01").unwrap();
        let pair = request(&directory, name, &[]);
        let settings = format!(
            "[ca]\ndefault_ca=own\n[own]\ndatabase={0}/index.txt\ncrlnumber={0}/number\ndefault_md=sha256\n\
             default_crl_days=30\ncertificate={1}\nprivate_key={2}\n",
            directory.display(),
            pair.certificate.display(),
            pair.key.display()
        );
        fs::write(directory.join("settings"), settings).unwrap();
        Self { directory, pair }
    }

    /// A certificate for a client.
    pub(crate) fn sign(&self, name: &str) -> Pair {
        let (certificate, key) = (text(&self.pair.certificate), text(&self.pair.key));
        let more = [
            "-CA",
            certificate,
            "-CAkey",
            key,
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-addext",
            "extendedKeyUsage=clientAuth",
        ];
        request(&self.directory, name, &more)
    }

    /// Writes the list of what is revoked, with these too.
    pub(crate) fn revoke(&self, revoked: &[&Pair], list: &Path) {
        let settings = self.directory.join("settings");
        let ca = ["ca", "-config", text(&settings)];
        for pair in revoked {
            made(&[&ca[..], &["-revoke", text(&pair.certificate)]].concat());
        }
        made(&[&ca[..], &["-gencrl", "-out", text(list)]].concat());
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
