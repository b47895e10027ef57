//! Signatures of files, as OpenSSH writes them (PROTOCOL.sshsig).

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::digest::{SHA512, digest};
use sftpgo_core::{Error, ErrorKind, Result};
use sftpgo_ssh_proto::HostKey;

const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
const HASH: &[u8] = b"sha512";
/// Characters of a line, as OpenSSH has them.
const LINE: usize = 70;

/// Signs `message` for a purpose, armoured.
///
/// # Errors
/// The key does not sign.
pub(super) fn sign(key: &HostKey, namespace: &str, message: &[u8]) -> Result<String> {
    let failed = || Error::new(ErrorKind::Internal, "the host key does not sign");
    // The first is the strongest, and never SHA-1.
    let algorithm = *key.algorithms().first().ok_or_else(failed)?;
    let mut signed = MAGIC.to_vec();
    put_string(&mut signed, namespace.as_bytes());
    put_string(&mut signed, b"");
    put_string(&mut signed, HASH);
    put_string(&mut signed, digest(&SHA512, message).as_ref());
    let signature = key.sign(algorithm, &[&signed]).map_err(|_| failed())?;

    let mut blob = MAGIC.to_vec();
    blob.extend_from_slice(&VERSION.to_be_bytes());
    put_string(&mut blob, key.public_blob());
    put_string(&mut blob, namespace.as_bytes());
    put_string(&mut blob, b"");
    put_string(&mut blob, HASH);
    put_string(&mut blob, &signature);
    Ok(armour(&STANDARD.encode(&blob)))
}

/// A public key as authorized_keys and known_hosts have it.
pub(super) fn public_line(blob: &[u8]) -> String {
    let name = blob.split_first_chunk().and_then(|(length, rest)| {
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        rest.get(..length)
    });
    let name = String::from_utf8_lossy(name.unwrap_or_default());
    format!("{name} {}", STANDARD.encode(blob))
}

fn armour(text: &str) -> String {
    let mut armoured = "-----BEGIN SSH SIGNATURE-----\n".to_owned();
    let mut rest = text;
    while !rest.is_empty() {
        // All of it is ASCII.
        let (line, behind) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        armoured.push_str(line);
        armoured.push('\n');
        rest = behind;
    }
    armoured.push_str("-----END SSH SIGNATURE-----\n");
    armoured
}

fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    // Hashes, keys and names are far shorter.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}
