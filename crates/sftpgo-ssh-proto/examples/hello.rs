//! An SSH server that greets whoever knows the password: `ssh -p 2222 anybody@localhost` and `hello`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use sftpgo_ssh_proto::{
    Config, Connection, Event, HostKey, LoginAnswer, LoginMethod, SystemRandom,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which host key?")?;
    let key = ssh_key::PrivateKey::from_openssh(std::fs::read(path)?)?;
    let config = Arc::new(Config::new(vec![HostKey::from_private(&key)?]));
    for stream in TcpListener::bind("127.0.0.1:2222")?.incoming() {
        let (stream, config) = (stream?, Arc::clone(&config));
        std::thread::spawn(move || serve(stream, config));
    }
    Ok(())
}

fn serve(mut stream: TcpStream, config: Arc<Config>) -> std::io::Result<()> {
    let mut connection = Connection::new(config, Box::new(SystemRandom::new()));
    let (mut input, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let progress = connection.process(&mut input);
        let consumed = progress.consumed;
        match progress.event {
            Some(Event::ExchangeKeys { .. }) => connection.exchange_keys(),
            Some(Event::Login(login)) => {
                let answer = match login.method {
                    LoginMethod::Password(b"hello") => LoginAnswer::Accept,
                    _ => LoginAnswer::Refuse,
                };
                connection.answer_login(answer);
            }
            Some(Event::OpenSession(channel)) => connection.accept_channel(channel),
            Some(Event::Start(channel, _)) => {
                connection.answer_request(channel, true);
                connection.send(channel, b"Hello!\n");
                connection.finish_channel(channel, 0);
            }
            Some(Event::Data(channel, data)) => {
                let count = data.len();
                connection.consumed(channel, count);
            }
            Some(Event::Ended(_)) => return stream.write_all(connection.output()),
            None if consumed == 0 => match stream.read(&mut buffer)? {
                0 => return Ok(()),
                count => input.extend(buffer.iter().take(count)),
            },
            _ => {}
        }
        input.drain(..consumed);
        stream.write_all(connection.output())?;
        connection.sent(connection.output().len());
    }
}
