//! A pair whose network waits to be told to deliver.

use std::collections::VecDeque;

use crate::{
    client::Offer,
    line::Line,
    messages::{adjust, channel_request, close, data, eof, global, on_channel, open, subsystem},
    pair::{Pair, Seen, config},
    random::Action,
    wire::{Parse, message},
};

/// The server's window.
const WINDOW: u32 = 20_000;
/// Sealed bytes that may wait: of data, and of answers besides.
const MOST_WAITING: usize = 400 * 1024;
/// The client waits for answers when so many are due.
const MOST_DUE: usize = 25;

pub(crate) struct Play {
    pub(crate) pair: Pair,
    pub(crate) lines: Vec<Line>,
    /// What the client heard; of messages with random bytes their number alone.
    pub(crate) heard: Vec<Vec<u8>>,
    /// Answers that are due, in order.
    due: VecDeque<Vec<u8>>,
    /// Cuts what is delivered.
    pieces: Option<u64>,
    /// What the host was told has been looked at up to here.
    looked_at: usize,
}

impl Play {
    pub(crate) fn new(offer: Offer, rekey_after: Option<u64>, pieces: Option<u64>) -> Self {
        let mut config = config();
        config.window = WINDOW;
        config.rekey_after = rekey_after;
        let mut pair = Pair::with(offer, config);
        pair.host.consumes = false;
        pair.login();
        pair.seen.clear();
        Self {
            pair,
            lines: Vec::new(),
            heard: Vec::new(),
            due: VecDeque::new(),
            pieces,
            looked_at: 0,
        }
    }

    fn line(&mut self, number: u8) -> Option<&mut Line> {
        let count = self.lines.len().max(1);
        self.lines.get_mut(usize::from(number) % count)
    }

    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::Up { count } => self.deliver_up(usize::from(count)),
            Action::Down { count } => self.deliver_down(usize::try_from(count).unwrap()),
            Action::HostRekeys => self.pair.connection.rekey(),
            Action::Shrink => self.pair.connection.shrink(),
            Action::HostSends { line, count } => self.host_sends(line, count),
            Action::Consume { line, count } => self.consume(line, count),
            Action::Window { line, count } => {
                if let Some(host) = self.line(line).and_then(|line| line.host) {
                    self.pair.connection.set_window(host, count);
                }
            }
            Action::Finish { line } => self.finish_channel(line),
            // A client says nothing else within an exchange of keys.
            _ if !self.pair.client.may_send() || self.due.len() >= MOST_DUE => {}
            Action::ClientRekeys => self.pair.client.send_kexinit(),
            Action::Aside { kind } => self.pair.client.send(match kind {
                0 => message(2).string("aside").done(),
                1 => message(3).u32(9).done(),
                2 => message(4).bool(false).string("aside").string("").done(),
                _ => vec![81],
            }),
            Action::Global { wants_reply } => {
                self.pair.client.send(global("unknown", wants_reply));
                if wants_reply {
                    self.due.push_back(vec![82]);
                }
            }
            Action::Open { window, packet } => self.open(window, packet),
            Action::Send { line, .. }
            | Action::Adjust { line, .. }
            | Action::Eof { line }
            | Action::Close { line }
            | Action::Request { line, .. } => self.say(line, action),
        }
    }

    fn finish_channel(&mut self, number: u8) {
        let line = self.line(number);
        if let Some((line, host)) = line.and_then(|line| line.host.map(|host| (line, host))) {
            line.is_finished = true;
            self.pair.connection.finish_channel(host, 0);
        }
    }

    fn open(&mut self, window: u32, packet: u32) {
        let own = u32::try_from(self.lines.len()).unwrap();
        let is_up = |line: &&Line| !(line.close_sent && line.close_came);
        if own < 40 && self.lines.iter().filter(is_up).count() < 8 {
            self.pair.client.send(open("session", own, window, packet));
            self.due.push_back(on_channel(91, own));
            self.lines.push(Line::new(own, window, packet));
        }
    }

    /// What the client does on a channel that it may use.
    fn say(&mut self, number: u8, action: Action) {
        let Some(line) = self.line(number).filter(|line| line.is_up()) else {
            return;
        };
        let (id, own) = (line.id.unwrap(), line.own);
        let payload = match action {
            Action::Send { count, .. } => {
                let room = line.up_granted - line.up_sent;
                let count = u64::from(count).min(room);
                if line.eof_sent {
                    return;
                }
                let payload = data(id, line.bytes(true, count));
                line.up_sent += count;
                payload
            }
            Action::Adjust { count, .. } => {
                let open = line.down_granted - line.down_got;
                if open + u64::from(count) > u64::from(u32::MAX) {
                    return;
                }
                line.down_granted += u64::from(count);
                adjust(id, count)
            }
            Action::Eof { .. } => {
                line.eof_sent = true;
                eof(id)
            }
            Action::Close { .. } => {
                line.close_sent = true;
                close(id)
            }
            Action::Request { wants_reply, .. } => {
                // Behind the server's CLOSE there is no answer; what is under way cannot know.
                if wants_reply && !line.close_came {
                    self.due.push_back(on_channel(100, own));
                }
                channel_request(id, "env", wants_reply).done()
            }
            _ => return,
        };
        self.pair.client.send(payload);
    }

    fn host_sends(&mut self, number: u8, count: u32) {
        let Some(line) = self.line(number).filter(|line| line.host.is_some()) else {
            return;
        };
        let host = line.host.unwrap();
        let bytes = line.bytes(false, count.into());
        let room = self.pair.connection.room(host);
        let sent = self.pair.connection.send(host, &bytes);
        assert_eq!(sent, room.min(bytes.len()));
        if let Some(line) = self.line(number) {
            line.down_sent += u64::try_from(sent).unwrap();
        }
    }

    fn consume(&mut self, number: u8, count: u32) {
        let Some(line) = self.line(number).filter(|line| line.host.is_some()) else {
            return;
        };
        let count = u64::from(count).min(line.up_heard - line.up_consumed);
        line.up_consumed += count;
        let host = line.host.unwrap();
        let count = usize::try_from(count).unwrap();
        self.pair.connection.consumed(host, count);
    }

    fn deliver_up(&mut self, count: usize) {
        let count = count.min(self.pair.client.out.len());
        let bytes = self.pair.client.out.drain(..count);
        self.pair.input.extend(bytes);
        self.process();
    }

    fn process(&mut self) {
        let mut visible = match self.pieces {
            None => usize::MAX,
            Some(_) => 0,
        };
        loop {
            let length = self.pair.input.len();
            if self.pair.step(visible) {
                self.look();
                visible = visible.saturating_sub(length - self.pair.input.len());
                continue;
            }
            if visible >= self.pair.input.len() {
                return;
            }
            let Some(state) = &mut self.pieces else {
                return;
            };
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let random = usize::try_from(*state >> 40).unwrap();
            visible += match random % 4 {
                0 => 1,
                1 => 1 + random / 4 % 40,
                _ => 1 + random / 4 % 8000,
            };
        }
    }

    /// What the host was told.
    fn look(&mut self) {
        while let Some(seen) = self.pair.seen.get(self.looked_at) {
            self.looked_at += 1;
            match seen {
                Seen::Open(channel) => {
                    let line = self.lines.iter_mut().find(|line| line.host.is_none());
                    line.unwrap().host = Some(*channel);
                }
                Seen::Data(channel, data) => {
                    let line = self.lines.iter_mut();
                    let mut line = line.filter(|line| line.host == Some(*channel));
                    line.next().unwrap().expect(true, data);
                }
                Seen::Ended(end) => panic!("{end:?}"),
                _ => {}
            }
        }
    }

    fn deliver_down(&mut self, count: usize) {
        let output = self.pair.connection.output();
        // Compressed exchanges of keys differ in length, so that a cut would be at random places.
        let output = output[..count.min(output.len())].to_vec();
        self.pair.connection.sent(output.len());
        self.pair.client.receive(&output);
        while let Some(payload) = self.pair.client.inbox.pop_front() {
            self.hear(&payload);
            self.heard.push(match payload[0] {
                20 | 31 => vec![payload[0]],
                _ => payload,
            });
        }
        // Input may have waited for that.
        self.process();
    }

    fn hear(&mut self, payload: &[u8]) {
        let number = payload[0];
        if matches!(number, 20 | 21 | 31) {
            return;
        }
        if matches!(number, 82 | 91 | 99 | 100) {
            let start = &payload[..payload.len().min(5)];
            while self.is_void(start) {
                self.due.pop_front();
            }
            let due = self.due.pop_front();
            assert_eq!(due.as_deref(), Some(start), "answers in order");
        }
        if number == 82 {
            return;
        }
        let mut parse = Parse::of(payload, number);
        let own = usize::try_from(parse.u32()).unwrap();
        let line = &mut self.lines[own];
        assert!(!line.close_came, "nothing comes behind CLOSE");
        match number {
            91 => {
                let id = parse.u32();
                line.id = Some(id);
                line.up_granted += u64::from(parse.u32());
                let start = subsystem(id, "sftp", true);
                self.started(own, start);
            }
            93 => line.up_granted += u64::from(parse.u32()),
            94 => {
                let data = parse.string();
                parse.end();
                assert!(data.len() <= usize::try_from(line.packet).unwrap() && !data.is_empty());
                assert!(!line.eof_came);
                line.expect(false, data);
                assert!(line.down_got <= line.down_granted);
            }
            96 => line.eof_came = true,
            97 => line.close_came = true,
            98 => assert_eq!(parse.text(), "exit-status"),
            99 | 100 => {}
            other => panic!("what is {other}?"),
        }
    }

    /// A program is asked for as soon as the channel is known, by a client that says it when it may.
    fn started(&mut self, own: usize, start: Vec<u8>) {
        self.pair.client.send_later(start);
        let own = u32::try_from(own).unwrap();
        self.due.push_back(on_channel(99, own));
    }

    /// The next answer that is due was for a channel that the server had closed, so that another one comes.
    fn is_void(&self, comes: &[u8]) -> bool {
        self.due.front().is_some_and(|due| {
            due != comes && matches!(due[0], 99 | 100) && {
                let own = usize::try_from(Parse(&due[1..]).u32()).unwrap();
                let line = &self.lines[own];
                line.close_came || line.close_sent
            }
        })
    }

    /// What has to hold at any time.
    pub(crate) fn check(&self) {
        let waiting = self.pair.connection.output().len();
        assert!(waiting <= MOST_WAITING, "{waiting} bytes wait");
    }

    /// Everything comes to its end: what is under way arrives, and both sides deal with it.
    pub(crate) fn finish(&mut self) {
        for _ in 0..2000 {
            let before = (self.heard.len(), self.looked_at, self.pair.client.out.len());
            self.deliver_up(usize::MAX);
            self.deliver_down(usize::MAX);
            for number in 0..self.lines.len() {
                self.consume(u8::try_from(number).unwrap(), u32::MAX);
            }
            let is_quiet = self.pair.client.out.is_empty()
                && self.pair.connection.output().is_empty()
                && before == (self.heard.len(), self.looked_at, 0);
            if is_quiet {
                break;
            }
        }
        assert!(
            self.pair.client.may_send(),
            "an exchange of keys did not end"
        );
        assert!(self.pair.input.is_empty() && self.pair.client.out.is_empty());
        while self.is_void(&[]) {
            self.due.pop_front();
        }
        assert!(self.due.is_empty(), "{:?} did not come", self.due);
        assert_eq!(self.pair.end(), None);
        self.check();
    }
}
