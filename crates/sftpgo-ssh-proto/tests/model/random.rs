//! Random actions of client and host, rekeys and windows, over a network that delivers what it likes, in virtual time.
//!
//! `SFTPGO_TEST_ROUNDS` asks for more of them, `SFTPGO_TEST_SEED` for others.

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config as Rounds, RngAlgorithm, TestRng, TestRunner},
};

use crate::{client::Offer, play::Play, rekey::offers};

/// What somebody does, to which channel, and how much.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Action {
    /// The client's.
    Open {
        window: u32,
        packet: u32,
    },
    Send {
        line: u8,
        count: u16,
    },
    Adjust {
        line: u8,
        count: u32,
    },
    Eof {
        line: u8,
    },
    Close {
        line: u8,
    },
    Request {
        line: u8,
        wants_reply: bool,
    },
    Global {
        wants_reply: bool,
    },
    Aside {
        kind: u8,
    },
    ClientRekeys,
    /// The host's.
    HostSends {
        line: u8,
        count: u32,
    },
    Consume {
        line: u8,
        count: u32,
    },
    Window {
        line: u8,
        count: u32,
    },
    Finish {
        line: u8,
    },
    HostRekeys,
    Shrink,
    /// The network's.
    Up {
        count: u16,
    },
    Down {
        count: u32,
    },
}

fn action() -> impl Strategy<Value = Action> {
    let line = 0..4_u8;
    let count = prop_oneof![Just(0), 1..50_u32, 1..5000_u32, Just(70_000)];
    let window = prop_oneof![
        Just(0),
        1..100_u32,
        1..100_000_u32,
        Just(1 << 31),
        Just(u32::MAX)
    ];
    let packet = prop_oneof![Just(256), 257..40_000_u32, Just(u32::MAX)];
    prop_oneof![
        2 => (window, packet).prop_map(|(window, packet)| Action::Open { window, packet }),
        8 => (line.clone(), 0..9000_u16).prop_map(|(line, count)| Action::Send { line, count }),
        4 => (line.clone(), count.clone()).prop_map(|(line, count)| Action::Adjust { line, count }),
        1 => line.clone().prop_map(|line| Action::Eof { line }),
        1 => line.clone().prop_map(|line| Action::Close { line }),
        3 => (line.clone(), any::<bool>())
            .prop_map(|(line, wants_reply)| Action::Request { line, wants_reply }),
        1 => any::<bool>().prop_map(|wants_reply| Action::Global { wants_reply }),
        1 => (0..4_u8).prop_map(|kind| Action::Aside { kind }),
        1 => Just(Action::ClientRekeys),
        8 => (line.clone(), count.clone())
            .prop_map(|(line, count)| Action::HostSends { line, count }),
        5 => (line.clone(), count.clone()).prop_map(|(line, count)| Action::Consume { line, count }),
        1 => (line.clone(), count).prop_map(|(line, count)| Action::Window { line, count }),
        1 => line.prop_map(|line| Action::Finish { line }),
        1 => Just(Action::HostRekeys),
        1 => Just(Action::Shrink),
        8 => any::<u16>().prop_map(|count| Action::Up { count }),
        8 => (0..200_000_u32).prop_map(|count| Action::Down { count }),
    ]
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |value| value.parse().expect("a number"))
}

fn runner(rounds: u64) -> TestRunner {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number("SFTPGO_TEST_SEED", 1).to_be_bytes());
    let rounds = Rounds {
        cases: u32::try_from(number("SFTPGO_TEST_ROUNDS", rounds)).unwrap(),
        failure_persistence: None,
        ..Rounds::default()
    };
    TestRunner::new_with_rng(rounds, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

fn played(
    offer: &Offer,
    rekey_after: Option<u64>,
    actions: &[Action],
    pieces: Option<u64>,
) -> Play {
    let mut play = Play::new(offer.clone(), rekey_after, pieces);
    for action in actions {
        play.act(*action);
        play.check();
    }
    play.finish();
    play
}

/// Bytes arrive in order, nothing is sent beyond what was granted, answers come in order, and everything comes to its end.
#[test]
fn whatever_happens_bytes_and_answers_arrive_in_order() {
    let pair = (
        0..4_usize,
        prop_oneof![Just(None), (2000..100_000_u64).prop_map(Some)],
    );
    let input = (pair, any::<u64>(), vec(action(), 1..120));
    let test =
        |((offer, rekey_after), pieces, actions): ((usize, Option<u64>), u64, Vec<Action>)| {
            let play = played(&offers()[offer], rekey_after, &actions, Some(pieces));
            for line in &play.lines {
                prop_assert_eq!(line.down_sent, line.down_got);
                prop_assert!(
                    line.up_heard == line.up_sent || line.is_finished,
                    "{line:?}"
                );
            }
            Ok(())
        };
    runner(150).run(&input, test).unwrap();
}

/// How the stream is cut makes no difference to what host and client hear.
#[test]
fn the_pieces_in_which_bytes_come_make_no_difference() {
    let pair = (
        0..2_usize,
        prop_oneof![Just(None), (2000..100_000_u64).prop_map(Some)],
    );
    let input = (pair, any::<u64>(), vec(action(), 1..80));
    let test =
        |((offer, rekey_after), pieces, actions): ((usize, Option<u64>), u64, Vec<Action>)| {
            let offer = &offers()[offer];
            let whole = played(offer, rekey_after, &actions, None);
            let cut = played(offer, rekey_after, &actions, Some(pieces));
            prop_assert_eq!(&whole.heard, &cut.heard);
            prop_assert_eq!(&whole.pair.seen, &cut.pair.seen);
            Ok(())
        };
    runner(60).run(&input, test).unwrap();
}
