use sftpgo_ssh_proto::{Cipher, Mac, fuzzing::NullKeys};

use super::{
    engine::Engine,
    write::{Offer, packet, share},
};
use crate::chosen;

/// Garbage where packets under keys are due: the first byte chooses cipher and MAC, and whether it comes in pieces of as
/// many bytes as the second one says.
pub fn ssh_encrypted(data: &[u8]) {
    let (shape, data) = chosen(data);
    let (piece, stream) = chosen(data);
    let cipher = Cipher::ALL[usize::from(shape) % Cipher::ALL.len()];
    let mac = Mac::ALL[usize::from(shape) / Cipher::ALL.len() % Mac::ALL.len()];
    let offer = Offer {
        kex: "curve25519-sha256,kex-strict-c-v00@openssh.com",
        cipher: cipher.name(),
        mac: mac.name(),
        compression: "zlib@openssh.com",
    };
    let fed = |piece| {
        let mut engine = Engine::new(NullKeys::Zeros, 0, usize::MAX);
        engine.feed(b"SSH-2.0-model\r\n");
        for message in [offer.message(), share(), vec![21]] {
            engine.feed(&packet(&message));
        }
        engine.come_in(piece);
        let before = engine.events.len();
        engine.feed(stream);
        (engine.events.split_off(before), engine.output)
    };
    let whole = fed(usize::MAX);
    if shape >= 128 {
        assert!(
            whole == fed(usize::from(piece)),
            "the end depends on the pieces"
        );
    }
    // The keys are known to this test's author alone: nothing can be genuine.
    let (events, _) = whole;
    assert!(
        events
            .iter()
            .all(|event| event == r#"Ended(Here(MacError, "bad packet"))"#)
    );
    assert!(events.len() <= 1);
}
