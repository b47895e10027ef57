use super::{engine::Engine, messages, output::payloads, write::packet};
use crate::chosen;

/// Requests to log in, in a connection that has asked for the service: their messages, behind a byte for the host's script.
pub fn ssh_login(data: &[u8]) {
    let (script, data) = chosen(data);
    let mut engine = Engine::at(5, script, usize::MAX);
    let before = payloads(&engine.output).len();
    for message in messages(data) {
        if !message.is_empty() {
            engine.feed(&packet(message));
        }
    }
    let payloads = payloads(&engine.output);
    let answers = || payloads.iter().skip(before).map(|payload| payload[0]);
    let count = |number| answers().filter(|answer| *answer == number).count();
    // The sixth failure disconnects; the first `none` and partial success are free, and so is what is not left behind that.
    let failures = |flag| {
        let sent = payloads.iter().skip(before);
        sent.filter(|payload| payload[0] == 51 && payload.last() == Some(&flag))
            .count()
    };
    assert!(failures(0) <= 6 || failures(1) > 0);
    assert!(count(53) <= 1, "the banner comes once");
    assert!(count(52) <= 1);
    assert_eq!(count(52) == 1, engine.connection.is_logged_in());
    let logins = engine
        .events
        .iter()
        .filter(|event| event.starts_with("Login("))
        .count();
    let answered = count(51) + count(52) + count(60);
    assert!(answered == logins || engine.has_ended && answered + 1 == logins);
}
