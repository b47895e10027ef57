//! Keys, signatures and certificates against what others made, and against what attackers make.

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::digest::{SHA512, digest};

use crate::wire::{Reader, put_string, put_u32};

use super::{HostKey, SignatureAlgorithm};

mod blobs;
mod certificates;
mod drafts;
mod host_keys;
mod known_answers;
mod revocation;
mod security_keys;

/// A file of `testdata/keys`.
macro_rules! data {
    ($name:literal) => {
        include_str!(concat!("../../../testdata/keys/", $name))
    };
}
use data;

/// What `ssh-keygen -Y sign` wrote: the key, what it signed, and the signature as the protocol has it.
struct Signed {
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

/// Reads OpenSSH's PROTOCOL.sshsig.
fn signed(armored: &str) -> Signed {
    let lines = armored.lines().filter(|line| !line.starts_with('-'));
    let blob = BASE64_STANDARD.decode(lines.collect::<String>()).unwrap();
    let mut reader = Reader::new(&blob);
    assert_eq!(reader.array(), Ok(*b"SSHSIG"));
    assert_eq!(reader.u32(), Ok(1));
    let key = reader.string().unwrap().to_vec();
    let mut message = b"SSHSIG".to_vec();
    for _ in ["namespace", "reserved"] {
        put_string(&mut message, reader.string().unwrap());
    }
    assert_eq!(reader.string(), Ok(&b"sha512"[..]));
    put_string(&mut message, b"sha512");
    let text = b"This is a test, this is only a test";
    put_string(&mut message, digest(&SHA512, text).as_ref());
    let signature = reader.string().unwrap().to_vec();
    reader.end().unwrap();
    Signed {
        key,
        message,
        signature,
    }
}

/// The blob of a line of a `.pub` file.
fn public(line: &str) -> Vec<u8> {
    let blob = line.split_whitespace().nth(1).unwrap();
    BASE64_STANDARD.decode(blob).unwrap()
}

fn host(file: &str) -> HostKey {
    HostKey::from_private(&ssh_key::PrivateKey::from_openssh(file).unwrap()).unwrap()
}

fn hex(digits: &str) -> Vec<u8> {
    let digits = digits.split_whitespace().collect::<String>();
    assert_eq!(digits.len() % 2, 0);
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

/// Strings one behind the other.
fn strings(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        put_string(&mut out, part);
    }
    out
}

/// A certificate that anybody may write.
struct Draft<'d> {
    /// The type and the fields of the key.
    name: &'d str,
    fields: Vec<u8>,
    serial: u64,
    kind: u32,
    key_id: &'d [u8],
    principals: Vec<&'d [u8]>,
    /// What is behind them in their list.
    behind_principals: &'d [u8],
    valid: (u64, u64),
    critical: Vec<u8>,
    extensions: Vec<u8>,
    authority: Vec<u8>,
}

impl<'d> Draft<'d> {
    /// For alice, whose Ed25519 key is `fields`, from 1000 to 2000.
    fn of(authority: &HostKey) -> Self {
        Self {
            name: "ssh-ed25519-cert-v01@openssh.com",
            fields: strings(&[&[7; 32]]),
            serial: 7,
            kind: 1,
            key_id: b"key id",
            principals: vec![b"alice"],
            behind_principals: b"",
            valid: (1000, 2000),
            critical: Vec::new(),
            extensions: Vec::new(),
            authority: authority.public_blob().to_vec(),
        }
    }

    fn unsigned(&self) -> Vec<u8> {
        let mut out = strings(&[self.name.as_bytes(), b"nonce"]);
        out.extend_from_slice(&self.fields);
        out.extend_from_slice(&self.serial.to_be_bytes());
        put_u32(&mut out, self.kind);
        put_string(&mut out, self.key_id);
        let principals = [&strings(&self.principals), self.behind_principals].concat();
        put_string(&mut out, &principals);
        out.extend_from_slice(&self.valid.0.to_be_bytes());
        out.extend_from_slice(&self.valid.1.to_be_bytes());
        let rest: [&[u8]; 4] = [&self.critical, &self.extensions, b"", &self.authority];
        out.extend(strings(&rest));
        out
    }

    fn signed(&self, by: &HostKey, algorithm: SignatureAlgorithm) -> Vec<u8> {
        let mut out = self.unsigned();
        let signature = by.sign(algorithm, &[&out]).unwrap();
        put_string(&mut out, &signature);
        out
    }
}
