use sftpgo_ssh_proto::fuzzing::NullKeys;

use super::engine::Engine;
use crate::chosen;

/// The start of a stream, in pieces of as many bytes as its first byte says.
pub fn ssh_identification(data: &[u8]) {
    let (piece, stream) = chosen(data);
    let fed = |piece| {
        let mut engine = Engine::new(NullKeys::Clear, 0, piece);
        engine.feed(stream);
        let ident = engine.connection.client_identification().to_vec();
        (ident, engine.events, engine.output)
    };
    let whole = fed(usize::MAX);
    assert_eq!(whole, fed(usize::from(piece)));
    let (ident, ..) = whole;
    assert!(ident.len() < 1024);
    if !ident.is_empty() {
        assert!(stream.starts_with(&ident));
        assert!(ident.starts_with(b"SSH-2.0-") || ident.starts_with(b"SSH-1.99-"));
        assert!(
            !ident
                .iter()
                .any(|byte| matches!(byte, b'\0' | b'\r' | b'\n'))
        );
    }
}
