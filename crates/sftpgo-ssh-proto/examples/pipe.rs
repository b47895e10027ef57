//! The engine alone: discards what it is sent (`ssh … sink`) and sends zeros (`ssh … BYTES`), to measure what it costs.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
};

use sftpgo_ssh_proto::{
    ChannelId, Config, Connection, Event, HostKey, LoginAnswer, LoginMethod, Program, SystemRandom,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let key = arguments.next().ok_or("which host key?")?;
    let address = arguments.next().ok_or("which address?")?;
    let key = ssh_key::PrivateKey::from_openssh(std::fs::read(key)?)?;
    let config = Arc::new(Config::new(vec![HostKey::from_private(&key)?]));
    for stream in TcpListener::bind(address)?.incoming() {
        let (stream, config) = (stream?, Arc::clone(&config));
        std::thread::spawn(move || Pipe::new(config).serve(stream));
    }
    Ok(())
}

struct Pipe {
    connection: Connection,
    /// Bytes that are still to be sent.
    source: Option<(ChannelId, usize)>,
}

impl Pipe {
    fn new(config: Arc<Config>) -> Self {
        Self {
            connection: Connection::new(config, Box::new(SystemRandom::new())),
            source: None,
        }
    }

    fn serve(mut self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        let mut filled = 0;
        loop {
            let mut start = 0;
            while let Some(input) = buffer.get_mut(start..filled) {
                let (consumed, is_over) = self.step(input);
                start += consumed;
                if is_over {
                    return stream.write_all(self.connection.output());
                }
                if consumed == 0 {
                    break;
                }
            }
            buffer.copy_within(start..filled, 0);
            filled -= start;
            self.produce();
            if !self.connection.output().is_empty() {
                stream.write_all(self.connection.output())?;
                self.connection.sent(self.connection.output().len());
                if self
                    .source
                    .is_some_and(|(channel, _)| self.connection.room(channel) > 0)
                {
                    continue;
                }
            }
            if self.connection.wanted() > buffer.len() {
                buffer.resize(self.connection.wanted(), 0);
            }
            let room = buffer.get_mut(filled..).unwrap_or_default();
            match stream.read(room)? {
                0 => return Ok(()),
                count => filled += count,
            }
        }
    }

    /// Takes a packet; says how many bytes that was, and whether the connection is over.
    fn step(&mut self, input: &mut [u8]) -> (usize, bool) {
        let progress = self.connection.process(input);
        let consumed = progress.consumed;
        match progress.event {
            Some(Event::ExchangeKeys { .. }) => self.connection.exchange_keys(),
            Some(Event::Login(login)) => {
                let answer = match login.method {
                    LoginMethod::Password(b"hello") => LoginAnswer::Accept,
                    _ => LoginAnswer::Refuse,
                };
                self.connection.answer_login(answer);
            }
            Some(Event::OpenSession(channel)) => {
                self.connection.set_window(channel, 16 * 1024 * 1024);
                self.connection.accept_channel(channel);
            }
            Some(Event::Start(channel, program)) => {
                let bytes = match program {
                    Program::Exec(line) => std::str::from_utf8(line).ok(),
                    _ => None,
                };
                let bytes = bytes.and_then(|bytes| bytes.parse().ok());
                self.source = bytes.map(|bytes| (channel, bytes));
                self.connection.answer_request(channel, true);
            }
            Some(Event::Data(channel, data)) => {
                let count = data.len();
                self.connection.consumed(channel, count);
            }
            Some(Event::Eof(channel)) if self.source.is_none() => {
                self.connection.finish_channel(channel, 0);
            }
            Some(Event::Ended(_)) => return (consumed, true),
            _ => {}
        }
        (consumed, false)
    }

    fn produce(&mut self) {
        static ZEROS: [u8; 128 * 1024] = [0; 128 * 1024];
        while let Some((channel, left)) = self.source {
            let data = ZEROS.get(..left).unwrap_or(&ZEROS);
            let left = left - self.connection.send(channel, data);
            self.source = (left > 0).then_some((channel, left));
            if left == 0 {
                self.connection.finish_channel(channel, 0);
            } else if self.connection.room(channel) == 0 {
                return;
            }
        }
    }
}
