//! Channels: opening, requests, closing, and global requests.

use sftpgo_ssh_proto::{DisconnectReason, OpenRefusal};

use crate::{
    client::GCM,
    messages::{
        channel_request, close, data, eof, extended, global, on_channel, open, ping, pong,
        subsystem,
    },
    pair::{Pair, Seen, config},
    wire::{Parse, message},
};

fn pair() -> Pair {
    let mut pair = Pair::new(GCM);
    pair.login();
    pair
}

/// The reason of a refusal to open.
fn refused(pair: &mut Pair, payload: Vec<u8>, own: u32) -> u32 {
    pair.send(payload);
    let answer = pair.take();
    let mut answer = Parse::of(&answer, 92);
    assert_eq!(answer.u32(), own);
    let why = answer.u32();
    assert_ne!(answer.text(), "");
    assert_eq!(answer.text(), "");
    answer.end();
    why
}

#[test]
fn only_sessions_are_opened() {
    let mut pair = pair();
    for (kind, why) in [
        ("direct-tcpip", 1),
        ("forwarded-tcpip", 1),
        ("direct-streamlocal@openssh.com", 1),
        ("tun@openssh.com", 1),
        ("x11", 3),
        ("auth-agent@openssh.com", 3),
        ("sessions", 3),
        ("", 3),
    ] {
        let request = open(kind, 8, 1000, 32_768);
        let request = [&request[..], b"what the type has"].concat();
        assert_eq!(refused(&mut pair, request, 8), why, "{kind}");
    }
    for packet in [0, 1, 255] {
        assert_eq!(refused(&mut pair, open("session", 1, 1000, packet), 1), 4);
    }
    assert_eq!(pair.open(1, 0, 256), (0, 2 << 20));
    assert_eq!(pair.open(1, u32::MAX, u32::MAX), (1, 2 << 20));
    pair.host.open = Some(OpenRefusal::Prohibited);
    assert_eq!(refused(&mut pair, open("session", 9, 0, 300), 9), 1);
}

/// CVE-2026-39827 and others: what was refused or closed takes no place, and what is open is bounded.
#[test]
fn as_many_channels_as_are_allowed() {
    let mut config = config();
    config.max_channels = 3;
    let mut pair = Pair::with(GCM, config);
    pair.login();
    let mut last = 0;
    for own in 0..3 {
        last = pair.open(own, 100, 1000).0;
    }
    for _ in 0..100 {
        assert_eq!(refused(&mut pair, open("session", 7, 100, 1000), 7), 4);
    }
    // What the server has closed leaves room for another, which a client may ask for before it answers CLOSE; for as many again.
    for own in 2..5 {
        pair.connection.close_channel(pair.last_channel());
        pair.run();
        assert_eq!([pair.take(), pair.take()], [eof(own), close(own)]);
        last = pair.open(own + 1, 100, 1000).0;
    }
    pair.connection.close_channel(pair.last_channel());
    pair.run();
    assert_eq!([pair.take(), pair.take()], [eof(5), close(5)]);
    assert_eq!(refused(&mut pair, open("session", 7, 100, 1000), 7), 4);
    pair.send(close(last));
    pair.nothing();
    assert_eq!(
        pair.open(7, 100, 1000).0,
        last + 1,
        "numbers are never used again"
    );
    pair.host.open = Some(OpenRefusal::ConnectFailed);
    pair.send(close(last + 1));
    assert_eq!(pair.take(), close(7));
    for _ in 0..20 {
        assert_eq!(refused(&mut pair, open("session", 7, 100, 1000), 7), 2);
    }
    pair.host.open = None;
    pair.open(7, 100, 1000);
}

#[test]
fn a_program_is_started_once_and_its_kind_is_told() {
    for (kind, argument, seen) in [
        ("shell", None, "shell"),
        ("exec", Some("ls -l"), "exec ls -l"),
        ("subsystem", Some("sftp"), "subsystem sftp"),
    ] {
        let mut pair = pair();
        let (id, _) = pair.open(5, 100, 1000);
        let request = channel_request(id, kind, true);
        let request = match argument {
            Some(argument) => request.string(argument).done(),
            None => request.done(),
        };
        pair.host.start = false;
        pair.send(&request);
        assert_eq!(pair.take(), on_channel(100, 5));
        pair.host.start = true;
        pair.send(&request);
        assert_eq!(pair.take(), on_channel(99, 5));
        let channel = pair.last_channel();
        assert_eq!(
            pair.seen.last(),
            Some(&Seen::Start(channel, seen.to_owned()))
        );
        let count = pair.seen.len();
        for second in [
            subsystem(id, "sftp", true),
            channel_request(id, "shell", true).done(),
        ] {
            pair.send(second);
            assert_eq!(pair.take(), on_channel(100, 5));
        }
        pair.send(subsystem(id, "sftp", false));
        pair.nothing();
        assert_eq!(pair.seen.len(), count);
    }
}

#[test]
fn other_requests_fail_and_are_answered_in_order() {
    let mut pair = pair();
    let (id, _) = pair.open(5, 100, 1000);
    for kind in [
        "env",
        "pty-req",
        "x11-req",
        "auth-agent-req@openssh.com",
        "signal",
        "window-change",
        "eow@openssh.com",
        "winadj@putty.projects.tartarus.org",
        "break",
        "xon-xoff",
        "",
    ] {
        for wants_reply in [true, false] {
            let request = channel_request(id, kind, wants_reply)
                .raw(b"whatever")
                .done();
            pair.send(request);
            if wants_reply {
                assert_eq!(pair.take(), on_channel(100, 5), "{kind}");
            }
            pair.nothing();
        }
    }
    let second = pair.open(6, 100, 1000).0;
    for payload in [
        channel_request(id, "env", true).done(),
        subsystem(second, "sftp", true),
        global("keepalive@openssh.com", true),
        ping("1"),
        channel_request(second, "env", true).done(),
        subsystem(id, "sftp", true),
    ] {
        pair.client.send(payload);
    }
    pair.run();
    let answers = [
        on_channel(100, 5),
        on_channel(99, 6),
        vec![82],
        pong("1"),
        on_channel(100, 6),
        on_channel(99, 5),
    ];
    assert_eq!(pair.client.inbox, answers);
}

/// Whatever the host still does, DISCONNECT is the last message.
#[test]
fn nothing_follows_the_end() {
    for end in ["by the client", "by the host", "by the engine"] {
        let mut pair = pair();
        pair.host.consumes = false;
        let (id, _) = pair.start(5, 1000, 1000);
        for _ in 0..8 {
            pair.send(data(id, vec![1; 200_000]));
        }
        let channel = pair.last_channel();
        match end {
            "by the client" => pair.send(message(1).u32(11).string("bye").string("").done()),
            "by the host" => pair
                .connection
                .disconnect(DisconnectReason::ByApplication, "bye"),
            _ => pair.send([21]),
        }
        pair.run();
        let last = pair.client.inbox.pop_back();
        assert_eq!(last.is_some(), end != "by the client");
        assert!(last.is_none_or(|last| last[0] == 1));
        pair.nothing();
        assert_eq!(pair.connection.send(channel, b"x"), 0);
        pair.connection.consumed(channel, 1_600_000);
        pair.connection.reassure(channel);
        pair.connection.finish_channel(channel, 0);
        pair.connection.rekey();
        pair.connection
            .disconnect(DisconnectReason::ProtocolError, "again");
        pair.client.send(data(id, "x"));
        pair.run();
        pair.nothing();
    }
}

#[test]
fn close_is_answered_once() {
    let mut pair = pair();
    let (id, _) = pair.start(5, 100, 1000);
    pair.send(eof(id));
    pair.nothing();
    pair.send(eof(id));
    let channel = pair.last_channel();
    let seen = |pair: &Pair, what: &Seen| pair.seen.iter().filter(|seen| *seen == what).count();
    assert_eq!(seen(&pair, &Seen::Eof(channel)), 1);
    pair.send(close(id));
    assert_eq!(pair.take(), close(5));
    assert_eq!(seen(&pair, &Seen::Closed(channel)), 1);
    // Calls for what is gone do nothing.
    assert_eq!(pair.connection.send(channel, b"x"), 0);
    pair.connection.consumed(channel, 100_000);
    pair.connection.finish_channel(channel, 0);
    pair.connection.set_window(channel, 1 << 24);
    assert_eq!(pair.connection.output(), b"");

    let (id, _) = pair.start(6, 100, 1000);
    let channel = pair.last_channel();
    assert_eq!(pair.connection.send(channel, b"out"), 3);
    pair.connection.finish_channel(channel, 7);
    pair.connection.finish_channel(channel, 8);
    pair.run();
    let status = channel_request(6, "exit-status", false).u32(7).done();
    assert_eq!(
        pair.client.inbox,
        [data(6, "out"), eof(6), status, close(6)]
    );
    pair.client.inbox.clear();
    // After CLOSE nothing is said on the channel, whatever comes.
    pair.send(channel_request(id, "env", true).done());
    pair.send(subsystem(id, "sftp", true));
    pair.send(data(id, vec![1; 100_000]));
    pair.send(close(id));
    pair.nothing();
    assert_eq!(seen(&pair, &Seen::Closed(channel)), 1);
    assert!(!pair.seen.iter().any(|seen| matches!(seen, Seen::Data(..))));
}

/// What was under way when a channel was closed is dropped; a number that was never told is none.
#[test]
fn late_messages_are_dropped_and_invented_ones_end_the_connection() {
    let messages = |id| {
        [
            data(id, "late"),
            extended(id, "late"),
            eof(id),
            close(id),
            channel_request(id, "exec", true).string("ls").done(),
            crate::messages::adjust(id, u32::MAX),
            on_channel(99, id),
            on_channel(100, id),
        ]
    };
    let mut pair = pair();
    for _ in 0..3 {
        let (id, _) = pair.start(5, 100, 1000);
        pair.send(close(id));
        assert_eq!(pair.take(), close(5));
    }
    let count = pair.seen.len();
    for id in 0..3 {
        messages(id).iter().for_each(|late| pair.send(late));
    }
    pair.nothing();
    assert_eq!(pair.seen.len(), count);
    for id in [3, 4, 1 << 31, u32::MAX] {
        for invented in messages(id) {
            let mut pair = self::pair();
            for _ in 0..3 {
                pair.open(5, 100, 1000);
            }
            pair.send(invented);
            pair.ended(DisconnectReason::ProtocolError);
        }
    }
}

#[test]
fn data_of_channels_that_nobody_reads_is_dropped() {
    let mut pair = pair();
    let (id, _) = pair.open(5, 100, 1000);
    pair.send(data(id, "before a program"));
    pair.send(subsystem(id, "sftp", true));
    pair.take();
    pair.send(extended(id, "never read"));
    pair.send(data(id, ""));
    pair.send(data(id, "read"));
    pair.send(eof(id));
    pair.send(data(id, "behind the end"));
    let came: Vec<_> = pair
        .seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Data(_, data) => Some(data.as_slice()),
            _ => None,
        })
        .collect();
    assert_eq!(came, [b"read"]);
    assert!(pair.end().is_none());
}

#[test]
fn global_requests_are_answered_in_order_and_unasked_answers_dropped() {
    let mut pair = pair();
    for name in [
        "keepalive@openssh.com",
        "tcpip-forward",
        "cancel-tcpip-forward",
        "streamlocal-forward@openssh.com",
        "hostkeys-prove-00@openssh.com",
        "",
    ] {
        pair.send(global(name, false));
        pair.nothing();
        pair.send(global(name, true));
        assert_eq!(pair.take(), [82], "{name}");
    }
    for _ in 0..200 {
        pair.client.send([81]);
        pair.client.send([82]);
        pair.client.send(message(81).u32(22).done());
    }
    pair.run();
    pair.nothing();
    assert!(pair.end().is_none());
}

/// OpenSSH PROTOCOL section 2.2.
#[test]
fn no_more_sessions_is_meant() {
    for wants_reply in [true, false] {
        let mut pair = pair();
        pair.open(1, 100, 1000);
        pair.send(global("no-more-sessions@openssh.com", wants_reply));
        if wants_reply {
            assert_eq!(pair.take(), [81]);
        }
        pair.nothing();
        pair.send(open("session", 2, 100, 1000));
        pair.ended(DisconnectReason::ProtocolError);
    }
}

/// OpenSSH PROTOCOL section 1.9: only for those who are logged in.
#[test]
fn pings() {
    let mut pair = pair();
    for text in [&b""[..], b"ping", &[0xff; 40_000]] {
        pair.send(ping(text));
        assert_eq!(pair.take(), pong(text));
    }
}
