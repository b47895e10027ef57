//! A host that follows from a byte, and does what an input says.

use sftpgo_ssh_proto::{
    AuthMethod, ChannelId, Connection, DisconnectReason, Event, Login, LoginAnswer, LoginMethod,
    OpenRefusal, fuzzing::NullKeys,
};

/// How the host answers, and what it has granted.
pub(super) struct Host {
    pub(super) keys: NullKeys,
    /// Of a login its answers follow from this.
    pub(super) script: u8,
    logins: u8,
    /// The answer that was given last lets the client in.
    pub(super) has_accepted: bool,
    channels: Vec<ChannelId>,
}

impl Host {
    pub(super) fn new(keys: NullKeys, script: u8) -> Self {
        Self {
            keys,
            script,
            logins: 0,
            has_accepted: false,
            channels: Vec::new(),
        }
    }

    fn answer(&mut self, login: &Login<'_>) -> LoginAnswer {
        if matches!(login.method, LoginMethod::Password(b"right")) {
            return LoginAnswer::Accept;
        }
        self.logins = self.logins.wrapping_add(1);
        let methods = vec![AuthMethod::Password];
        match self.script.wrapping_add(self.logins) % 8 {
            0 => LoginAnswer::Accept,
            1 => LoginAnswer::Ask {
                name: "name".to_owned(),
                instruction: String::new(),
                prompts: vec![("?".to_owned(), true); usize::from(self.script % 3)],
            },
            2 => LoginAnswer::Partial { methods, key: None },
            3 => LoginAnswer::ChangePassword {
                prompt: "new".to_owned(),
            },
            4 => LoginAnswer::KeyIsGood,
            5 => match &login.method {
                LoginMethod::Key(signed) => match signed.verify() {
                    Ok(key) => LoginAnswer::AcceptKey(key),
                    Err(_) => LoginAnswer::Refuse,
                },
                _ => LoginAnswer::Refuse,
            },
            _ => LoginAnswer::Refuse,
        }
    }
}

/// What the host does about an event, and the event as text; whether the connection is over.
pub(super) enum Answer {
    Nothing,
    Exchange,
    Login(LoginAnswer),
    Accept(ChannelId),
    Refuse(ChannelId),
    Start(ChannelId),
    Consume(ChannelId, usize),
    End,
}

impl Host {
    /// What an event asks for. Nothing of the event is needed afterwards.
    pub(super) fn decide(&mut self, event: &Event<'_>, is_logged_in: bool) -> Answer {
        match event {
            Event::ExchangeKeys { .. } => return Answer::Exchange,
            Event::Login(login) => {
                assert!(!is_logged_in, "a login after the login");
                let answer = self.answer(login);
                let may_be_accepted = match &login.method {
                    LoginMethod::Key(_) => matches!(answer, LoginAnswer::AcceptKey(_)),
                    LoginMethod::Invalid(_) | LoginMethod::KeyOffered(_) => false,
                    _ => matches!(answer, LoginAnswer::Accept),
                };
                self.has_accepted |= may_be_accepted;
                return Answer::Login(answer);
            }
            Event::Identified(_) | Event::KeysExchanged | Event::LoginBegins => {
                return Answer::Nothing;
            }
            Event::Ended(_) => return Answer::End,
            _ => {}
        }
        assert!(is_logged_in, "a channel before the login");
        match event {
            Event::OpenSession(channel) => {
                assert!(!self.channels.contains(channel), "a number came again");
                self.channels.push(*channel);
                match self.script & 0xc0 {
                    0xc0 => Answer::Refuse(*channel),
                    _ => Answer::Accept(*channel),
                }
            }
            Event::Start(channel, _) => Answer::Start(*channel),
            Event::Data(channel, data) => {
                assert!(!data.is_empty());
                Answer::Consume(*channel, data.len())
            }
            Event::Closed(channel) => {
                assert!(self.channels.contains(channel));
                Answer::Nothing
            }
            _ => Answer::Nothing,
        }
    }

    pub(super) fn act(&self, connection: &mut Connection, answer: Answer) {
        match answer {
            Answer::Nothing | Answer::End => {}
            Answer::Exchange => connection.exchange_nothing(self.keys),
            Answer::Login(answer) => connection.answer_login(answer),
            Answer::Accept(channel) => connection.accept_channel(channel),
            Answer::Refuse(channel) => {
                connection.refuse_channel(channel, OpenRefusal::ConnectFailed);
            }
            Answer::Start(channel) => connection.answer_request(channel, self.script & 0x20 == 0),
            Answer::Consume(channel, count) => {
                if self.script & 0x10 == 0 {
                    connection.consumed(channel, count);
                }
            }
        }
    }

    /// What an input wants the host to do: an action, a channel and a number.
    pub(super) fn order(&self, connection: &mut Connection, order: &[u8]) {
        let [action, channel, high, low, ..] = *order else {
            return;
        };
        let number = usize::from(u16::from_be_bytes([high, low])) / 4;
        let Some(channel) = self.channels.get(usize::from(channel)).copied() else {
            return;
        };
        match action % 9 {
            0 => {
                let room = connection.room(channel);
                let sent = connection.send(channel, &vec![0x61; number]);
                assert!(sent <= room && sent <= number);
            }
            1 => drop(connection.send_stderr(channel, &vec![0x65; number])),
            2 => connection.consumed(channel, number),
            3 => connection.set_window(channel, u32::try_from(number * 16).unwrap()),
            4 => connection.finish_channel(channel, 1),
            5 => connection.close_channel(channel),
            6 => connection.rekey(),
            7 => connection.reassure(channel),
            _ => match number {
                0 => connection.disconnect(DisconnectReason::ByApplication, "end"),
                _ => connection.shrink(),
            },
        }
    }
}
