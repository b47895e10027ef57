use super::{
    engine::Engine,
    messages,
    output::{payloads, u32_at},
    write::packet,
};
use crate::chosen;

/// Messages of somebody who is logged in and has a channel with a program. A message of number 0 is an order to the host.
pub fn ssh_channels(data: &[u8]) {
    let (script, data) = chosen(data);
    let mut engine = Engine::at(8, script, usize::MAX);
    let mut granted: u64 = 100_000;
    let mut questions = [0_usize; 2];
    for message in messages(data) {
        match message {
            [] => continue,
            [0, order @ ..] => {
                engine.order(order);
                continue;
            }
            [90, open @ ..] => granted += window_of(open),
            [93, _, _, _, _, more @ ..] => {
                granted += more
                    .first_chunk()
                    .map_or(0, |more| u64::from(u32::from_be_bytes(*more)));
            }
            [80, ..] => questions[0] += 1,
            [98, ..] => questions[1] += 1,
            _ => {}
        }
        engine.feed(&packet(message));
    }
    let payloads = payloads(&engine.output);
    let mut sent = 0;
    let mut answers = [0; 2];
    for payload in payloads {
        match payload[0] {
            94 => sent += u64::from(u32_at(payload, 5)),
            95 => sent += u64::from(u32_at(payload, 9)),
            81 | 82 => answers[0] += 1,
            99 | 100 => answers[1] += 1,
            _ => {}
        }
    }
    assert!(sent <= granted, "{sent} bytes where {granted} were granted");
    assert!(answers[0] <= questions[0]);
    // One was asked for on the way here.
    assert!(answers[1] <= questions[1] + 1);
}

/// The window of an OPEN behind its number.
fn window_of(open: &[u8]) -> u64 {
    let window = || {
        let (length, behind) = open.split_first_chunk()?;
        let behind = behind.get(usize::try_from(u32::from_be_bytes(*length)).ok()?..)?;
        behind.get(4..)?.first_chunk()
    };
    window().map_or(0, |window| u64::from(u32::from_be_bytes(*window)))
}
