//! What a client claims costs the server nothing: memory is taken by what came, never by a length or a count in it.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "an allocator that counts cannot do without, and a test fails by panicking"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use sftpgo_ssh_proto::{Connection, LoginMethod};

#[allow(dead_code, reason = "this test needs a part of the model")]
#[path = "model"]
mod model {
    pub(crate) mod client;
    pub(crate) mod crypto;
    pub(crate) mod messages;
    pub(crate) mod pair;
    pub(crate) mod wire;
    pub(crate) mod zlib;
}
pub(crate) use model::{client, crypto, messages, pair, wire, zlib};

use client::GCM;
use pair::Pair;
use wire::{Message, message, string};

thread_local! {
    /// Bytes that this thread holds, and the most since that was asked last.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

struct Counting;

fn count(bytes: isize) {
    // After the thread's values are gone nobody asks any more.
    let _ = HELD.try_with(|held| {
        let (now, most) = held.get();
        let now = now + bytes;
        held.set((now, most.max(now)));
    });
}

fn signed(size: usize) -> isize {
    isize::try_from(size).unwrap_or(isize::MAX)
}

// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        // SAFETY: the caller keeps to the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-signed(layout.size()));
        // SAFETY: the caller keeps to the contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(signed(size) - signed(layout.size()));
        // SAFETY: the caller keeps to the contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The most that was held at once during a call, beyond what was held before.
fn peak(call: impl FnOnce()) -> isize {
    let before = HELD.with(|held| {
        let (now, _) = held.get();
        held.set((now, now));
        now
    });
    call();
    HELD.with(|held| held.get().1 - before)
}

/// Hands the connection what the client sent, without a host that would allocate.
fn process(connection: &mut Connection, input: &mut [u8]) {
    let progress = connection.process(input);
    drop(progress);
}

/// Room for the answer to a message of a few bytes.
const LITTLE: isize = 6 * 1024;

fn claims(pair: &mut Pair, payload: &[u8]) {
    pair.client.send(payload);
    let mut input = std::mem::take(&mut pair.client.out);
    let held = peak(|| process(&mut pair.connection, &mut input));
    let shown = &payload[..payload.len().min(40)];
    assert!(held <= LITTLE, "{held} bytes for {shown:?}");
}

/// Lengths and counts that nothing follows.
const MOST: [u32; 4] = [u32::MAX, 1 << 31, 1 << 28, 1 << 20];

#[test]
fn lengths_of_packets() {
    for length in [34_996, 35_004, 1 << 20, 1 << 31, u32::MAX] {
        let mut pair = Pair::new(GCM);
        pair.identify();
        let mut input = u32::to_be_bytes(length).to_vec();
        input.extend_from_slice(&[0; 12]);
        let held = peak(|| process(&mut pair.connection, &mut input));
        assert!(held <= LITTLE, "{held} bytes for a packet of {length}");
    }
}

#[test]
fn lengths_of_names_before_the_login() {
    for most in MOST {
        let begin = |number| message(number).u32(most);
        let mut kexinit = vec![20];
        kexinit.extend_from_slice(&[0; 16]);
        kexinit.extend(most.to_be_bytes());
        let mut pair = Pair::new(GCM);
        pair.identify();
        claims(&mut pair, &kexinit);
        let mut pair = Pair::new(GCM);
        pair.identify();
        pair.agree();
        claims(&mut pair, &begin(30).done());
        let request =
            |message: fn(Message) -> Message| message(messages::request("u", "publickey"));
        let strange = [
            begin(5).done(),
            begin(7).done(),
            begin(7).raw(&[0; 64]).done(),
            begin(50).done(),
            begin(61).done(),
            message(50).string("u").u32(most).done(),
            messages::request("u", "password")
                .bool(false)
                .u32(most)
                .done(),
            messages::request("u", "keyboard-interactive")
                .u32(most)
                .done(),
            request(|request| request.bool(true).string("ssh-ed25519"))
                .u32(most)
                .done(),
        ];
        for payload in strange {
            let mut pair = Pair::new(GCM);
            pair.connect();
            pair.service();
            claims(&mut pair, &payload);
        }
    }
}

#[test]
fn lengths_within_keys_and_certificates() {
    for most in MOST {
        let name = |name: &str, more: &[u8]| [string(name), more.to_vec()].concat();
        let count = most.to_be_bytes();
        let certificate = "ssh-ed25519-cert-v01@openssh.com";
        let up_to_principals = [
            string([0; 32]),
            string([1; 32]),
            vec![0; 8],
            vec![0, 0, 0, 1],
            string("id"),
        ];
        let principals = [up_to_principals.concat(), string(count)].concat();
        for (algorithm, blob) in [
            ("ssh-ed25519", name("ssh-ed25519", &count)),
            ("rsa-sha2-256", name("ssh-rsa", &count)),
            (
                "rsa-sha2-256",
                name("ssh-rsa", &[&string([1, 0, 1])[..], &count].concat()),
            ),
            ("ecdsa-sha2-nistp256", name("ecdsa-sha2-nistp256", &count)),
            (certificate, name(certificate, &count)),
            (certificate, name(certificate, &principals)),
            (certificate, name(certificate, &up_to_principals.concat())),
        ] {
            let mut pair = Pair::new(GCM);
            pair.host.login = Box::new(|login| match &login.method {
                LoginMethod::Invalid(_) => sftpgo_ssh_proto::LoginAnswer::Refuse,
                other => panic!("{other:?}"),
            });
            pair.connect();
            pair.service();
            let request = messages::request("u", "publickey").bool(false);
            claims(&mut pair, &request.string(algorithm).string(blob).done());
        }
    }
}

#[test]
fn lengths_after_the_login() {
    for most in MOST {
        let begin = |number| message(number).u32(most);
        let on = |number| message(number).u32(0);
        for payload in [
            begin(80).done(),
            message(80)
                .string("hostkeys-prove-00@openssh.com")
                .bool(true)
                .u32(most)
                .done(),
            begin(90).done(),
            messages::open("session", most, most, most),
            on(93).u32(most).done(),
            on(94).u32(most).done(),
            on(95).u32(1).u32(most).done(),
            on(98).u32(most).done(),
            messages::channel_request(0, "exec", true).u32(most).done(),
            begin(192).done(),
        ] {
            let mut pair = Pair::new(GCM);
            pair.login();
            pair.start(5, 1000, 1000);
            claims(&mut pair, &payload);
        }
    }
}

/// The counter counts: what is really sent is held for the answer.
#[test]
fn what_came_is_counted() {
    let mut pair = Pair::new(GCM);
    pair.login();
    pair.client.send(messages::ping([7; 20_000]));
    let mut input = std::mem::take(&mut pair.client.out);
    let held = peak(|| process(&mut pair.connection, &mut input));
    assert!((15_000..60_000).contains(&held), "{held}");
}

/// What a connection holds, with itself.
fn held_by(pair: Pair) -> usize {
    let Pair {
        connection, config, ..
    } = pair;
    let before = HELD.with(|held| held.get().0);
    drop(connection);
    let after = HELD.with(|held| held.get().0);
    drop(config);
    usize::try_from(before - after).unwrap() + size_of::<Connection>()
}

/// Of an exchange of keys and of what was said nothing stays.
#[test]
fn an_idle_connection_holds_little() {
    let mut logged_in = Pair::new(GCM);
    logged_in.login();
    let (id, _) = logged_in.start(5, 1000, 1000);
    for _ in 0..20 {
        logged_in.send(messages::data(id, vec![1; 30_000]));
        logged_in.send(messages::ping([1; 30_000]));
        logged_in.connection.rekey();
        logged_in.run();
    }
    logged_in.connection.shrink();
    let held = held_by(logged_in);
    assert!(held <= 2560, "{held} bytes");
}

/// What a client can make the server keep, without logging in and with everything that may wait while keys are exchanged.
#[test]
fn what_a_client_makes_the_server_keep_is_bounded() {
    let mut stranger = Pair::new(GCM);
    stranger.identify();
    stranger.client.offer.kex = "curve25519-sha256";
    let long: &'static str = Box::leak("x,".repeat(4000).into_boxed_str());
    stranger.client.offer.compression = Box::leak(format!("none,{long}").into_boxed_str());
    stranger.agree();
    let held = held_by(stranger);
    assert!(held <= 24 * 1024, "{held} bytes before the login");

    let mut client = Pair::new(GCM);
    client.login();
    let (id, _) = client.start(5, 1000, 1000);
    client.client.follows_rekeys = false;
    client.connection.rekey();
    client.run();
    let prove = messages::global("hostkeys-prove-00@openssh.com", true);
    let prove = [prove, string(&client.client.host_key)].concat();
    for number in 0..64 {
        match number % 4 {
            0 => client.send(&prove),
            1 => client.send(messages::open("no such", 1, 1, 1)),
            2 => client.send(messages::channel_request(id, "env", true).done()),
            _ => client.send(messages::ping([1; 200_000])),
        }
    }
    assert!(client.end().is_none());
    client.connection.shrink();
    let held = held_by(client);
    assert!(held <= 32 * 1024, "{held} bytes while keys are exchanged");
}
