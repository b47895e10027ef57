use sftpgo_ssh_proto::fuzzing::NullKeys;

use super::{
    engine::Engine,
    output::payloads,
    write::{packet, share},
};
use crate::chosen;

/// A client's KEXINIT behind its number, to a server that has sent its own or waits for it, and the usual messages behind it.
pub fn ssh_kexinit(data: &[u8]) {
    let (shape, kexinit) = chosen(data);
    let software = match shape & 1 {
        0 => "OpenSSH_9.2",
        _ => "old",
    };
    let keys = match shape & 2 {
        0 => NullKeys::Clear,
        _ => NullKeys::Zeros,
    };
    let kexinit = [&[20], kexinit].concat();
    if kexinit.len() > 34_000 {
        return;
    }
    let mut engine = Engine::new(keys, 0, usize::MAX);
    engine.feed(format!("SSH-2.0-{software}\r\n").as_bytes());
    engine.feed(&packet(&kexinit));
    if !engine.has_ended {
        assert!(payloads(&engine.output).last().unwrap()[0] == 20);
    }
    for message in [
        &share()[..],
        &share(),
        &[34, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 16, 0],
        &[32, 0, 0, 0, 1, 2],
        &[21],
    ] {
        engine.feed(&packet(message));
    }
    assert!(!engine.connection.is_logged_in());
}
