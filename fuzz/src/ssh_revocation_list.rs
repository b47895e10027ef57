use sftpgo_ssh_proto::{BadRevocationList, PublicKey, RevocationList};

/// A list with its length in two bytes before it, and a key or a certificate.
pub fn ssh_revocation_list(data: &[u8]) {
    let (length, rest) = data.split_first_chunk().unwrap_or((&[0; 2], data));
    let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
    let (list, blob) = rest.split_at(length);
    let parsed = RevocationList::parse(list);
    assert_eq!(
        matches!(parsed, Err(BadRevocationList::NotAList)),
        !RevocationList::is_one(list)
    );
    let (Ok(list), Ok(key)) = (parsed, PublicKey::parse(blob)) else {
        return;
    };
    // A certificate of a key that is revoked is revoked too.
    let plain = key.plain_blob();
    let inner = PublicKey::parse(&plain).unwrap();
    assert!(list.revokes(&key) || !list.revokes(&inner));
    if let Some(certificate) = key.certificate() {
        let authority = PublicKey::parse(certificate.authority()).unwrap();
        assert!(list.revokes(&key) || !list.revokes(&authority));
    }
}
