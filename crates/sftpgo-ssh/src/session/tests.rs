//! Sessions, driven by a channel that takes as much as a test lets it.

use super::*;

/// A client that reads at the test's pace.
#[derive(Default)]
struct Client {
    room: usize,
    got: Vec<u8>,
    errors: Vec<u8>,
    reassured: usize,
}

impl Sender for Client {
    fn send(&mut self, data: &[u8]) -> usize {
        let count = data.len().min(self.room);
        self.room -= count;
        self.got.extend_from_slice(&data[..count]);
        count
    }

    fn send_error(&mut self, data: &[u8]) -> usize {
        let count = data.len().min(self.room);
        self.room -= count;
        self.errors.extend_from_slice(&data[..count]);
        count
    }

    fn reassure(&mut self) {
        self.reassured += 1;
    }
}

/// Answers every byte with itself; takes those that come while nothing waits from where they lie. `p` asks for a pause, `q`
/// ends.
#[derive(Default)]
struct Echo {
    queue: Vec<u8>,
    output: Vec<u8>,
    pause: Option<Duration>,
    input_ended: bool,
    is_client_gone: bool,
}

impl Work for Echo {
    fn write_through(&mut self, data: &[u8]) -> usize {
        let taken = data.iter().take_while(|byte| **byte == b'w').count();
        self.output.extend(std::iter::repeat_n(b'W', taken));
        taken
    }

    fn push(&mut self, data: Vec<u8>) -> Vec<u8> {
        self.queue.extend_from_slice(&data);
        data
    }

    fn end_input(&mut self) {
        self.input_ended = true;
    }

    fn lose_client(&mut self) {
        self.is_client_gone = true;
    }

    fn queued_len(&self) -> usize {
        self.queue.len()
    }

    fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    fn shrink(&mut self) {}

    fn step(&mut self, out: &mut dyn Sender) -> Step {
        if self.is_client_gone {
            self.output.clear();
        }
        if !self.output.is_empty() {
            let count = out.send(&self.output);
            self.output.drain(..count);
            return match count {
                0 => Step::Blocked,
                count => Step::Sent(count, Duration::ZERO),
            };
        }
        if self.queue.is_empty() {
            return match self.input_ended {
                true => Step::Done(3),
                false => Step::NeedInput,
            };
        }
        match self.queue.remove(0) {
            b'p' => Step::Pause(self.pause.unwrap_or(Duration::from_secs(60))),
            b'q' => Step::Done(7),
            byte => {
                self.output.push(byte);
                Step::Worked
            }
        }
    }
}

fn session(work: Echo) -> Session {
    Session::new(Box::new(work), None, Instant::now())
}

fn open() -> Client {
    Client {
        room: usize::MAX,
        ..Client::default()
    }
}

#[test]
fn what_arrives_is_done_and_given_back() {
    let (mut session, mut client) = (session(Echo::default()), open());
    assert_eq!(session.turn(&mut client), Next::Input);
    session.receive(b"ab");
    assert_eq!(session.next(), Next::Again);
    assert_eq!(session.take_credit(), 0, "it is queued");
    assert_eq!(session.held(), Held { all: 2, moving: 2 });
    assert_eq!(session.turn(&mut client), Next::Input);
    assert_eq!(client.got, b"ab");
    assert_eq!((session.take_credit(), session.take_credit()), (2, 0));
    assert_eq!(session.held(), Held::default());
    session.end_input();
    assert_eq!(session.turn(&mut client), Next::Done(3));
}

#[test]
fn data_goes_past_the_queue_while_the_session_has_only_replies_to_send() {
    let (mut session, mut client) = (session(Echo::default()), open());
    session.turn(&mut client);
    session.receive(b"ww");
    session.receive(b"ww");
    assert_eq!(session.next(), Next::Again, "there are replies");
    assert_eq!((session.held().all, session.take_credit()), (0, 4));
    session.receive(b"wx");
    session.receive(b"w");
    assert_eq!(session.held().all, 2, "what is behind something else waits");
    session.turn(&mut client);
    assert_eq!(client.got, b"WWWWWxw");
}

#[test]
fn a_client_that_does_not_read_gets_its_window_back_and_holds_up_nothing() {
    let (mut session, mut client) = (session(Echo::default()), Client::default());
    session.turn(&mut client);
    session.receive(b"ab");
    assert_eq!(session.turn(&mut client), Next::Output);
    assert_eq!(session.take_credit(), 2);
    session.receive(&[b'c'; 100]);
    assert_eq!(session.next(), Next::Output);
    assert_eq!(session.take_credit(), 100);
    assert_eq!(
        session.held(),
        Held {
            all: 102,
            moving: 0
        }
    );
    client.room = usize::MAX;
    assert_eq!(session.turn(&mut client), Next::Input);
    assert_eq!(client.got.len(), 102);
    assert_eq!(session.take_credit(), 0, "nothing is given back twice");
}

#[test]
fn a_pause_keeps_what_is_behind_it_and_ends_with_the_client() {
    let (mut session, mut client) = (session(Echo::default()), open());
    session.receive(b"apb");
    let Next::Until(until) = session.turn(&mut client) else {
        panic!("it pauses");
    };
    assert!(
        until <= Instant::now() + SLICE,
        "a long pause is looked after"
    );
    assert_eq!(client.got, b"a");
    session.receive(b"cd");
    assert_eq!(session.held(), Held { all: 5, moving: 5 });
    assert_eq!(
        session.take_credit(),
        2,
        "what waits behind the pause stays"
    );
    assert!(matches!(session.turn(&mut client), Next::Until(_)));
    session.lose_client();
    assert_eq!(session.next(), Next::Again);
    assert_eq!(session.turn(&mut client), Next::Done(3));
    assert_eq!(client.got, b"a", "nobody hears the rest");
}

#[test]
fn a_pause_is_over_when_its_time_has_come() {
    let (mut session, mut client) = (
        session(Echo {
            pause: Some(Duration::from_millis(30)),
            ..Echo::default()
        }),
        open(),
    );
    session.receive(b"pb");
    let begun = Instant::now();
    while let Next::Until(until) = session.turn(&mut client) {
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
    }
    assert!(begun.elapsed() >= Duration::from_millis(30));
    assert_eq!(client.got, b"b");
}

#[test]
fn a_turn_ends_after_much_output() {
    let (mut session, mut client) = (session(Echo::default()), open());
    session.receive(&vec![b'x'; 3 * SEND_AT]);
    let mut turns = 1;
    while session.turn(&mut client) == Next::Again {
        turns += 1;
        assert!(session.take_credit() <= 3 * SEND_AT);
    }
    assert!(turns >= 3, "{turns}");
    assert_eq!(client.got.len(), 3 * SEND_AT);
}

#[test]
fn what_comes_after_the_end_is_taken_and_holds_nothing() {
    let (mut session, mut client) = (session(Echo::default()), open());
    session.receive(b"qabc");
    assert_eq!(session.turn(&mut client), Next::Done(7));
    session.receive(b"more");
    assert_eq!(session.held(), Held::default());
    assert_eq!(session.take_credit(), 8);
}
