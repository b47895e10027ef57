//! Every message number in every phase, with strict key exchange and without, against a table.

use sftpgo_ssh_proto::{DisconnectReason, End, LoginAnswer, LoginMethod};

use crate::{
    client::{CTR, GCM},
    messages,
    pair::{Pair, Seen},
    wire::message,
};

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The client has said nothing.
    Start,
    /// Identifications are exchanged.
    Identified,
    /// Both KEXINIT are exchanged.
    Agreed,
    /// The server has sent its NEWKEYS, the client has not.
    Answered,
    /// The first exchange is over.
    Encrypted,
    /// `ssh-userauth` was asked for.
    Service,
    /// A login has failed, another one waits for answers.
    Asked,
    LoggedIn,
    /// A channel is open, with number 0.
    Open,
    /// It is closed.
    Closed,
    /// The server has sent KEXINIT again, the client has not.
    ServerRekeys,
    /// The client has sent KEXINIT again.
    ClientRekeys,
    /// And its share, so that NEWKEYS is due.
    RekeyAnswered,
}

const PHASES: [Phase; 13] = [
    Phase::Start,
    Phase::Identified,
    Phase::Agreed,
    Phase::Answered,
    Phase::Encrypted,
    Phase::Service,
    Phase::Asked,
    Phase::LoggedIn,
    Phase::Open,
    Phase::Closed,
    Phase::ServerRekeys,
    Phase::ClientRekeys,
    Phase::RekeyAnswered,
];

/// What has to become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Nothing.
    Ignored,
    /// UNIMPLEMENTED with its number.
    Unimplemented,
    /// The server disconnects for a broken protocol.
    Disconnect,
    /// The client's goodbye is believed.
    Goodbye,
    /// The stream is none of SSH.
    Refused,
    /// Answered by this message first.
    Answered(u8),
    /// Taken without an answer.
    Taken,
}

use Outcome::{Answered, Disconnect, Goodbye, Ignored, Refused, Taken, Unimplemented};

/// SSH-ENGINE's rules, by number. `strict` makes a difference in the first exchange only.
fn expected(phase: Phase, strict: bool, number: u8) -> Outcome {
    if phase == Phase::Start {
        return Refused;
    }
    match (phase, number) {
        (_, 1) => Goodbye,
        // An exchange of keys that the client has begun is for its messages alone.
        (Phase::Agreed, 30) => Answered(31),
        (Phase::ClientRekeys, 30) => Answered(31),
        (Phase::Answered | Phase::RekeyAnswered, 21) => Taken,
        (Phase::Agreed | Phase::Answered, 2..=4) if !strict => Ignored,
        (Phase::ClientRekeys | Phase::RekeyAnswered, 2..=4) => Ignored,
        (Phase::Agreed, 31..=49) if !strict => Unimplemented,
        (Phase::ClientRekeys, 31..=49) => Unimplemented,
        (Phase::Agreed | Phase::Answered | Phase::ClientRekeys | Phase::RekeyAnswered, _) => {
            Disconnect
        }
        (_, 2..=4) => Ignored,
        (_, 21) | (Phase::Identified, 30..=49) => Disconnect,
        (_, 30..=49) => Unimplemented,
        (Phase::ServerRekeys, 20) => Taken,
        (_, 20) => Answered(20),
        // Nothing of the connection protocol before the login (RFC 4252 section 6). Its other numbers are not known to it either.
        (
            Phase::Identified | Phase::Encrypted | Phase::Service | Phase::Asked,
            80..=82 | 90..=100,
        ) => Disconnect,
        (Phase::Encrypted | Phase::Service | Phase::Asked, 5) => Answered(6),
        (Phase::Encrypted, 7) => Taken,
        (Phase::Service | Phase::Asked, 50) => Answered(51),
        (Phase::Service, 61) => Disconnect,
        (Phase::Asked, 61) => Answered(51),
        (Phase::Identified | Phase::Encrypted | Phase::Service | Phase::Asked, _) => Unimplemented,
        // From here on the client is logged in.
        (_, 50) => Ignored,
        // Answers wait until a rekey is over.
        (Phase::ServerRekeys, 80 | 90 | 192) => Taken,
        (_, 80) => Answered(82),
        (_, 81 | 82) => Ignored,
        (_, 90) => Answered(91),
        (_, 192) => Answered(193),
        (Phase::Open, 91 | 92) => Disconnect,
        (Phase::Open, 93..=96) => Taken,
        (Phase::Open, 97) => Answered(97),
        (Phase::Open, 98) => Answered(100),
        (Phase::Open, 99 | 100) => Ignored,
        // The channel of this number was closed, or there never was one.
        (Phase::Closed, 91..=100) => Ignored,
        (_, 91..=100) => Disconnect,
        _ => Unimplemented,
    }
}

/// A message that is well-formed where the number has a meaning.
fn body(pair: &mut Pair, number: u8) -> Vec<u8> {
    let start = message(number);
    match number {
        1 => start.u32(11).string("bye").string("").done(),
        2 => start.string("anything").done(),
        3 => start.u32(7).done(),
        4 => start.bool(true).string("text").string("").done(),
        5 => messages::service("ssh-userauth"),
        7 => start.u32(1).string("name").string("value").done(),
        20 => pair.client.kexinit(),
        21 => start.done(),
        30 if !pair.client.server_kexinit.is_empty() => pair.client.share(),
        50 => messages::none("user"),
        61 => messages::answers(&["answer"]),
        80 => messages::global("keepalive@openssh.com", true),
        90 => messages::open("session", 7, 1000, 32_768),
        91 => start.u32(0).u32(0).u32(1000).u32(1000).done(),
        92 => start.u32(0).u32(1).string("no").string("").done(),
        93 => messages::adjust(0, 5),
        94 => messages::data(0, "data"),
        95 => messages::extended(0, "data"),
        98 => messages::channel_request(0, "env", true)
            .string("A")
            .string("b")
            .done(),
        192 => messages::ping("data"),
        _ => start.u32(0).done(),
    }
}

fn world_at(phase: Phase, strict: bool) -> Pair {
    let mut pair = Pair::new(match strict {
        true => GCM,
        false => CTR,
    });
    pair.host.login = Box::new(|login| match login.method {
        LoginMethod::Password(b"right") => LoginAnswer::Accept,
        LoginMethod::KeyboardInteractive => LoginAnswer::Ask {
            name: String::new(),
            instruction: String::new(),
            prompts: vec![("?".to_owned(), false)],
        },
        _ => LoginAnswer::Refuse,
    });
    match phase {
        Phase::Start => pair.run(),
        Phase::Identified => pair.identify(),
        Phase::Agreed => {
            pair.identify();
            pair.agree();
        }
        Phase::Answered => {
            pair.identify();
            pair.agree();
            pair.share();
        }
        Phase::Encrypted => pair.connect(),
        Phase::Service => {
            pair.connect();
            pair.service();
            pair.send(messages::none("user"));
        }
        Phase::Asked => {
            pair.connect();
            pair.service();
            pair.send(messages::password("user", "wrong"));
            pair.send(messages::interactive("user"));
        }
        Phase::LoggedIn => pair.login(),
        Phase::Open => {
            pair.login();
            pair.start(3, 1000, 32_768);
        }
        Phase::Closed => {
            pair.login();
            pair.start(3, 1000, 32_768);
            pair.send(messages::close(0));
        }
        Phase::ServerRekeys => {
            pair.login();
            pair.client.follows_rekeys = false;
            pair.connection.rekey();
            pair.run();
        }
        Phase::ClientRekeys | Phase::RekeyAnswered => {
            pair.login();
            pair.client.follows_rekeys = false;
            pair.client.send_kexinit();
            pair.run();
            if phase == Phase::RekeyAnswered {
                pair.client.send_share();
                pair.run();
            }
        }
    }
    pair.client.inbox.clear();
    pair.seen.clear();
    pair
}

fn outcome(phase: Phase, strict: bool, number: u8) -> Outcome {
    let mut pair = world_at(phase, strict);
    let was_logged_in = pair.connection.is_logged_in();
    let payload = body(&mut pair, number);
    let sequence = pair.client.sequence;
    match number {
        21 if pair.client.has_new_keys() => pair.client.send_newkeys(),
        _ => pair.client.send(payload),
    }
    if phase == Phase::Start {
        let output = pair.connection.output().to_vec();
        assert_eq!(output, b"");
        pair.input.append(&mut pair.client.out);
        assert!(pair.step(usize::MAX));
        assert!(matches!(pair.seen.as_slice(), [Seen::Ended(_)]));
        assert_eq!(
            pair.connection.output(),
            b"Invalid SSH identification string.\r\n"
        );
        return Refused;
    }
    pair.run();
    assert_eq!(pair.connection.is_logged_in(), was_logged_in);
    match pair.end() {
        Some(End::ByClient { code: 11, text }) => {
            assert_eq!(text, b"bye");
            pair.nothing();
            return Goodbye;
        }
        Some(_) => {
            assert_eq!(pair.seen.len(), 1, "{:?}", pair.seen);
            pair.ended(DisconnectReason::ProtocolError);
            pair.nothing();
            return Disconnect;
        }
        None => {}
    }
    match pair.client.inbox.pop_front() {
        Some(answer) if answer == messages::unimplemented(sequence) => {
            assert_eq!(pair.seen, []);
            pair.nothing();
            Unimplemented
        }
        Some(answer) => Answered(answer[0]),
        // What is taken without an answer and what is ignored look alike but for what the host hears.
        None if expected(phase, strict, number) == Taken => Taken,
        None => {
            assert_eq!(pair.seen, []);
            Ignored
        }
    }
}

#[test]
fn every_message_in_every_phase() {
    let mut wrong = Vec::new();
    for phase in PHASES {
        for strict in [true, false] {
            for number in 0..=255 {
                let (is, should) = (
                    outcome(phase, strict, number),
                    expected(phase, strict, number),
                );
                if is != should {
                    wrong.push(format!(
                        "{phase:?}, strict {strict}, {number}: {is:?}, not {should:?}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Messages that only a server sends do nothing but cost their sender the connection, whenever they come (CVE-2018-10933).
#[test]
fn messages_of_a_server_are_never_believed() {
    for phase in PHASES.into_iter().skip(1) {
        for strict in [true, false] {
            for number in [6, 51, 52, 53, 60, 81, 82, 91, 92, 99, 100, 193] {
                let is = outcome(phase, strict, number);
                assert!(
                    matches!(is, Ignored | Unimplemented | Disconnect),
                    "{phase:?}, strict {strict}, {number}: {is:?}"
                );
            }
        }
    }
}

/// A message before KEXINIT is answered as always, and KEXINIT itself is then refused (strict key exchange).
#[test]
fn what_comes_before_a_strict_kexinit_ends_the_connection_there() {
    for number in 0..=255 {
        if matches!(
            expected(Phase::Identified, true, number),
            Ignored | Unimplemented
        ) {
            let mut pair = world_at(Phase::Identified, true);
            let payload = body(&mut pair, number);
            pair.send(payload);
            assert_eq!(pair.seen, [], "{number}");
            pair.client.send_kexinit();
            pair.run();
            pair.ended(DisconnectReason::ProtocolError);
        }
    }
}
