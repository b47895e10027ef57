//! Messages of the transport besides the exchange of keys.

use crate::{
    End, Event,
    core::Core,
    fatal::Fatal,
    number,
    wire::{Reader, put_name_list, put_string, put_u8, put_u32},
};

/// Extensions that a client may name, and one more.
const MOST_EXTENSIONS: u32 = 1024;

impl Core {
    pub(crate) fn handle_disconnect<'a>(&mut self, payload: &'a [u8]) -> Result<Event<'a>, Fatal> {
        let mut reader = Reader::new(payload);
        reader.u8()?;
        // Who leaves is not held up for its manners: some send no reason.
        let code = reader.u32().unwrap_or_default();
        let text = reader.string().unwrap_or_default().to_vec();
        Ok(Event::Ended(End::ByClient { code, text }))
    }

    /// Tells what the client may use: signatures, whatever they are by (RFC 8308 section 3.1, OpenSSH PROTOCOL sections 1.9 and 1.10).
    pub(super) fn send_ext_info(&mut self) -> Result<(), Fatal> {
        let algorithms = &self.config.public_key_algorithms;
        let mut names = Vec::with_capacity(512);
        put_name_list(
            &mut names,
            algorithms
                .iter()
                .filter(|algorithm| !algorithm.certificate)
                .map(|algorithm| algorithm.name()),
        );
        let names = names.get(4..).unwrap_or_default();
        self.out.packet(names.len() + 256, |out| {
            put_u8(out, number::EXT_INFO);
            put_u32(out, 3);
            put_string(out, b"server-sig-algs");
            put_string(out, names);
            put_string(out, b"publickey-hostbound@openssh.com");
            put_string(out, b"0");
            put_string(out, b"ping@openssh.com");
            put_string(out, b"0");
        })?;
        Ok(())
    }

    /// The client's, of which nothing is needed. It may come once, before the client asks for a service (RFC 8308 section 2.4).
    pub(crate) fn handle_ext_info<'a>(
        &mut self,
        payload: &'a [u8],
        sequence: u32,
    ) -> Result<Option<Event<'a>>, Fatal> {
        let is_late = self.login.as_ref().is_none_or(|login| login.has_begun());
        if is_late || std::mem::replace(&mut self.keys.ext_info_came, true) {
            return self.unimplemented(sequence);
        }
        let mut reader = Reader::new(payload);
        reader.u8()?;
        let count = reader.u32()?;
        if count >= MOST_EXTENSIONS {
            return Err(Fatal::protocol("too many extensions"));
        }
        for _ in 0..count {
            reader.string()?;
            reader.string()?;
        }
        Ok(None)
    }

    /// OpenSSH PROTOCOL section 1.9. While keys are exchanged there is no answer: answers as long as a packet would have to be
    /// kept (CVE-2025-26466).
    pub(crate) fn handle_ping(&mut self, payload: &[u8]) -> Result<(), Fatal> {
        if !self.keys.may_send() {
            return Ok(());
        }
        let mut reader = Reader::new(payload);
        reader.u8()?;
        let data = reader.string()?;
        self.reply(data.len() + 8, |out| {
            put_u8(out, number::PONG);
            put_string(out, data);
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::test_support::{
        Bare,
        Part::{Byte, Number, Text},
        message,
    };

    #[test]
    fn pings_are_answered_but_not_kept_for_later() {
        let mut bare = Bare::logged_in();
        let ping = message(&[Byte(192), Text(b"data")]);
        assert!(bare.hears(&ping).unwrap().is_none());
        assert_eq!(bare.sent(), [message(&[Byte(193), Text(b"data")])]);

        bare.core.begin_exchange().unwrap();
        bare.sent();
        let long = message(&[Byte(192), Text(&[7; 30_000])]);
        for _ in 0..100 {
            assert!(bare.hears(&long).unwrap().is_none());
        }
        assert!(bare.sent().is_empty() && bare.core.deferred.is_empty());
    }

    #[test]
    fn extensions_of_the_client_come_once_and_before_it_asks_for_a_service() {
        let extensions = message(&[Byte(7), Number(1), Text(b"name"), Text(b"value")]);
        let unimplemented = |number| vec![message(&[Byte(3), Number(number)])];
        let mut bare = Bare::new(|_| {});
        bare.hears(&extensions).unwrap();
        assert!(bare.sent().is_empty());
        bare.hears(&extensions).unwrap();
        assert_eq!(bare.sent(), unimplemented(4));

        let mut bare = Bare::new(|_| {});
        bare.hears(&message(&[Byte(5), Text(b"ssh-userauth")]))
            .unwrap();
        bare.sent();
        bare.hears(&extensions).unwrap();
        assert_eq!(bare.sent(), unimplemented(4));

        let many = message(&[Byte(7), Number(1024)]);
        assert!(Bare::new(|_| {}).hears(&many).is_err());
    }

    #[test]
    fn before_the_login_a_ping_is_not_known() {
        let mut bare = Bare::new(|_| {});
        bare.hears(&message(&[Byte(192), Text(b"data")])).unwrap();
        assert_eq!(bare.sent(), [message(&[Byte(3), Number(3)])]);
    }
}
