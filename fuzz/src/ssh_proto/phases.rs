use super::{
    engine::Engine,
    messages,
    output::{payloads, u32_at},
    write::packet,
};
use crate::chosen;

/// Messages from any phase on: the first byte is the phase and the size of the pieces, the second one is the host's script. A
/// message of number 0 is an order to the host.
pub fn ssh_phases(data: &[u8]) {
    let (shape, data) = chosen(data);
    let (script, data) = chosen(data);
    let fed = |piece| {
        let mut engine = Engine::at(shape % 9, script, piece);
        for message in messages(data) {
            match message {
                [] => {}
                [0, order @ ..] => engine.order(order),
                message => engine.feed(&packet(message)),
            }
        }
        engine
    };
    let whole = fed(usize::MAX);
    let piece = usize::from(shape / 9);
    if piece > 0 {
        let pieces = fed(piece);
        assert_eq!(whole.events, pieces.events);
        assert!(
            whole.output == pieces.output,
            "the output depends on the pieces"
        );
    }

    let payloads = payloads(&whole.output);
    let unimplemented: Vec<_> = payloads
        .iter()
        .filter(|payload| payload[0] == 3)
        .map(|payload| u32_at(payload, 1))
        .collect();
    // The count begins anew with each NEWKEYS of a strict exchange.
    if !payloads.iter().any(|payload| payload[0] == 21) {
        assert!(unimplemented.is_sorted_by(|one, next| one < next));
    }
    let goodbyes = payloads.iter().filter(|payload| payload[0] == 1).count();
    assert!(goodbyes <= 1);
}
