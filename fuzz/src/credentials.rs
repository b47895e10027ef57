use base64::{Engine, engine::general_purpose::STANDARD};
use sftpgo_core::credential::{password::PasswordHash, public_key::AuthorizedKey};
use sftpgo_ssh::sftp::proto::decode::Decoder;

use crate::chosen;

/// The width of the `password` column.
const MAX_STORED_LEN: usize = 255;

/// An authorized_keys line; behind a zero byte the key alone, not in base64, which no fuzzer finds by itself.
pub fn authorized_keys(data: &[u8]) {
    match chosen(data) {
        (0, blob) => key_on_the_wire(blob),
        _ => {
            if let Ok(line) = std::str::from_utf8(data) {
                line_of_file(line);
            }
        }
    }
}

fn key_on_the_wire(blob: &[u8]) {
    let key_type = Decoder::new(blob).string().unwrap_or_default();
    let Ok(key_type) = std::str::from_utf8(key_type) else {
        return;
    };
    let line = format!("{key_type} {}", STANDARD.encode(blob));
    if let Ok(key) = AuthorizedKey::parse(&line) {
        assert_eq!(key.blob(), blob);
    }
}

/// What is accepted is so by its first two words.
fn line_of_file(line: &str) {
    let Ok(key) = AuthorizedKey::parse(line) else {
        return;
    };
    assert!(key.blob().len() < line.len());
    let words: Vec<_> = line.trim().split_ascii_whitespace().take(2).collect();
    assert_eq!(AuthorizedKey::parse(&words.join(" ")).unwrap(), key);
    assert_eq!(STANDARD.decode(words[1]).unwrap(), key.blob());
}

/// A stored hash: parsed or refused, kept as it is, and safe to check a password against.
pub fn password_hash(data: &[u8]) {
    let Ok(stored) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(hash) = PasswordHash::parse(stored) else {
        return;
    };
    match PasswordHash::for_storage(stored) {
        Ok(kept) => assert_eq!(kept, stored),
        Err(_) => assert!(stored.len() > MAX_STORED_LEN),
    }
    assert_eq!(hash.is_legacy(), !stored.starts_with("$argon2id$"));
    if is_cheap(stored) {
        hash.verify(b"password");
    }
}

/// Does checking take milliseconds? The largest number of the fields that may hold a cost says so.
fn is_cheap(stored: &str) -> bool {
    let costs = stored.split('$').take(4).skip(2);
    let largest = costs
        .flat_map(|field| field.split(|c: char| !c.is_ascii_digit()))
        .filter(|digits| !digits.is_empty())
        .map(|digits| digits.parse().unwrap_or(u64::MAX))
        .max();
    let most = if stored.starts_with("$2") { 4 } else { 1000 };
    largest.is_some_and(|cost| cost <= most)
}
