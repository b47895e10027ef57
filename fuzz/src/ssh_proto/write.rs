//! What a client writes, for the way to where a fuzzer begins.

/// A string of RFC 4251 section 5.
pub(super) fn string(value: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(value.len()).unwrap().to_be_bytes().to_vec();
    out.extend_from_slice(value);
    out
}

/// A packet of a payload under no cipher (RFC 4253 section 6).
pub(super) fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 11 - (payload.len() + 5 + 3) % 8;
    let length = u32::try_from(1 + payload.len() + padding).unwrap();
    let mut out = length.to_be_bytes().to_vec();
    out.push(u8::try_from(padding).unwrap());
    out.extend_from_slice(payload);
    out.resize(out.len() + padding, 0);
    out
}

/// What a client's KEXINIT has.
pub(super) struct Offer<'o> {
    pub(super) kex: &'o str,
    pub(super) cipher: &'o str,
    pub(super) mac: &'o str,
    pub(super) compression: &'o str,
}

pub(super) const STRICT: Offer<'static> = Offer {
    kex: "curve25519-sha256,kex-strict-c-v00@openssh.com,ext-info-c",
    cipher: "aes128-gcm@openssh.com",
    mac: "hmac-sha2-256-etm@openssh.com",
    compression: "none",
};

impl Offer<'_> {
    pub(super) fn message(&self) -> Vec<u8> {
        let mut out = vec![20];
        out.extend_from_slice(&[7; 16]);
        let Self {
            kex,
            cipher,
            mac,
            compression,
        } = *self;
        let lists = [
            kex,
            "ssh-ed25519",
            cipher,
            cipher,
            mac,
            mac,
            compression,
            compression,
            "",
            "",
        ];
        for list in lists {
            out.extend(string(list.as_bytes()));
        }
        out.extend_from_slice(&[0; 5]);
        out
    }
}

/// The client's share.
pub(super) fn share() -> Vec<u8> {
    [vec![30], string(&[9; 32])].concat()
}

pub(super) fn service() -> Vec<u8> {
    [vec![5], string(b"ssh-userauth")].concat()
}

/// A password that the host takes.
pub(super) fn password() -> Vec<u8> {
    let names = [&b"user"[..], b"ssh-connection", b"password"];
    let mut out = vec![50];
    names.iter().for_each(|name| out.extend(string(name)));
    out.push(0);
    out.extend(string(b"right"));
    out
}

pub(super) fn open(own: u32, window: u32, most: u32) -> Vec<u8> {
    let mut out = [vec![90], string(b"session")].concat();
    for number in [own, window, most] {
        out.extend(number.to_be_bytes());
    }
    out
}

pub(super) fn subsystem(channel: u32) -> Vec<u8> {
    let mut out = vec![98];
    out.extend(channel.to_be_bytes());
    out.extend(string(b"subsystem"));
    out.push(1);
    out.extend(string(b"sftp"));
    out
}
