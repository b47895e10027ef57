use std::sync::LazyLock;

use sftpgo_core::event::Protocol;
use sftpgo_ssh::{
    HostKey, Limits,
    receipt::Terms,
    sftp::{
        Engine, SessionEnd,
        proto::{MAX_PACKET_LEN, decode::Decoder, framer::Framer, kind},
    },
};

use crate::{
    chosen,
    home::{Home, assert_no_secret},
};

/// A request is done in as many steps as copying all of a quota takes, and some.
const MOST_STEPS: usize = 8;

/// Requests of a logged-in client, each behind a byte with its length: the wire's own length would hardly ever
/// survive a mutation. A byte before all of them chooses the user and the upload mode.
pub fn sftp_engine(data: &[u8]) {
    let (shape, mut requests) = chosen(data);
    let home = Home::new(shape);
    let limits = Limits {
        handles_per_session: 4,
        ..Limits::default()
    };
    static KEY: LazyLock<HostKey> = LazyLock::new(|| HostKey::generate().unwrap());
    let engine = Engine::new(home.session(Protocol::Sftp), &limits);
    let mut engine = engine.with_receipts(Some(Terms {
        key: KEY.clone(),
        uploads: None,
    }));
    let hello = send(&mut engine, b"\x01\x00\x00\x00\x03").unwrap();
    assert_eq!(hello[4], kind::VERSION);
    while let Some((len, rest)) = requests.split_first() {
        let (request, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        requests = rest;
        let Ok(answered) = send(&mut engine, request) else {
            break;
        };
        assert_no_secret(&answered);
        check_answer(request, answered);
    }
    drop(engine);
    home.check();
}

fn send(engine: &mut Engine, request: &[u8]) -> Result<Vec<u8>, SessionEnd> {
    let mut packet = u32::try_from(request.len()).unwrap().to_be_bytes().to_vec();
    packet.extend_from_slice(request);
    let mut steps = 0;
    // In two parts, as channel packets cut it.
    let (head, tail) = packet.split_at(packet.len() / 2);
    for part in [head, tail] {
        let written = engine.write_through(part);
        engine.push(part[written..].to_vec());
        while engine.step()? {
            steps += 1;
            assert!(steps <= MOST_STEPS, "a request without an end");
        }
    }
    Ok(engine.take_replies())
}

/// There is one reply, and it is that request's.
fn check_answer(request: &[u8], answered: Vec<u8>) {
    let mut framer = Framer::default();
    framer.push(answered);
    let reply = framer.next_packet().unwrap().unwrap();
    assert!(reply.len() <= MAX_PACKET_LEN);
    let mut fields = Decoder::new(reply);
    let is_reply = matches!(
        fields.u8().unwrap(),
        kind::STATUS..=kind::ATTRS | kind::EXTENDED_REPLY
    );
    assert!(is_reply, "{reply:?}");
    let mut asked = Decoder::new(&request[1..]);
    assert_eq!(fields.u32(), asked.u32());
    assert_eq!(framer.next_packet(), Ok(None), "more than one reply");
}
