//! The messages of a login.

use super::{
    Answers, AuthMethod, InvalidLogin, KeyOffer, Login, LoginAnswer, LoginMethod, SignedLogin,
    answers::too_many,
    state::{Kind, Verdict, verdict},
};
use crate::{
    DisconnectReason, Event,
    core::Core,
    fatal::Fatal,
    key::{KeyAlgorithm, PublicKey},
    number,
    wire::{Reader, put_string, put_u8},
};

const USERAUTH: &[u8] = b"ssh-userauth";
const CONNECTION: &[u8] = b"ssh-connection";
/// Not every client takes packets of more than 35,000 bytes (RFC 4253 section 6.1).
const LONGEST_BANNER: usize = 30_000;
/// OpenSSH PROTOCOL section 1.10.
const HOSTBOUND: &[u8] = b"publickey-hostbound-v00@openssh.com";

impl Core {
    /// Answered each time: some clients ask before each attempt.
    pub(crate) fn handle_service_request<'a>(
        &mut self,
        payload: &'a [u8],
    ) -> Result<Option<Event<'a>>, Fatal> {
        let mut reader = Reader::new(payload);
        reader.u8()?;
        let service = reader.string()?;
        reader.end()?;
        if service != USERAUTH {
            return Err(Fatal(
                DisconnectReason::ServiceNotAvailable,
                "there is no such service".to_owned(),
            ));
        }
        self.out.packet(32, |out| {
            put_u8(out, number::SERVICE_ACCEPT);
            put_string(out, service);
        })?;
        let is_new = self.login.as_mut().is_some_and(|login| login.begin());
        Ok(is_new.then_some(Event::LoginBegins))
    }

    /// Was the service asked for?
    pub(crate) fn may_log_in(&self) -> bool {
        self.login.as_ref().is_some_and(|login| login.has_begun())
    }

    pub(crate) fn handle_userauth_request<'a>(
        &mut self,
        payload: &'a [u8],
    ) -> Result<Option<Event<'a>>, Fatal> {
        let mut reader = Reader::new(payload);
        reader.u8()?;
        let (user, service, name) = (reader.string()?, reader.string()?, reader.string()?);
        let Some(login) = self.login.as_mut() else {
            return Ok(None);
        };
        if login.next_request().is_none() {
            return Err(too_many());
        }
        // A round of questions is over with the next request (RFC 4256 section 3.1).
        login.questions = None;
        match &login.who {
            None => login.who = Some((user.to_vec(), service.to_vec())),
            Some((first_user, first_service)) => {
                if first_user != user || first_service != service {
                    return Err(Fatal::protocol("the user or the service was changed"));
                }
            }
        }
        let method = self.method(payload, name, service, &mut reader)?;
        let method = self.if_left(method);
        let is_first = self
            .login
            .as_ref()
            .is_some_and(|login| login.is_first_request());
        let kind = match &method {
            LoginMethod::None if is_first => Kind::FirstNone,
            LoginMethod::KeyOffered(_) => Kind::Offer,
            LoginMethod::Key(_) => Kind::Key,
            LoginMethod::KeyboardInteractive => Kind::Interactive,
            LoginMethod::Invalid(InvalidLogin::NotLeft) => Kind::NotLeft,
            LoginMethod::Invalid(_) => Kind::Invalid,
            _ => Kind::Plain,
        };
        self.greet()?;
        if let Some(login) = self.login.as_mut() {
            login.ask(kind);
            if let LoginMethod::KeyOffered(KeyOffer { algorithm, key }) = &method {
                login.offered = Some((algorithm.name(), key.blob().to_vec()));
            }
        }
        let user = user.into();
        Ok(Some(Event::Login(Box::new(Login { user, method }))))
    }

    /// Returns a request as one that cannot succeed, where a part of the login has succeeded and this is not left.
    fn if_left<'a>(&self, method: LoginMethod<'a>) -> LoginMethod<'a> {
        let remaining = self
            .login
            .as_ref()
            .and_then(|login| login.remaining.as_ref());
        match (remaining, method.auth_method()) {
            (Some(remaining), Some(asked)) if !remaining.contains(&asked) => {
                LoginMethod::Invalid(InvalidLogin::NotLeft)
            }
            _ => method,
        }
    }

    /// Shows the banner before the first answer (RFC 4252 section 5.4).
    fn greet(&mut self) -> Result<(), Fatal> {
        let Some(login) = self.login.as_mut() else {
            return Ok(());
        };
        if std::mem::replace(&mut login.greeted, true) {
            return Ok(());
        }
        let Some(banner) = &self.config.banner else {
            return Ok(());
        };
        let most = banner.len().min(LONGEST_BANNER);
        let end = (0..=most).rev().find(|end| banner.is_char_boundary(*end));
        let banner = banner.get(..end.unwrap_or_default()).unwrap_or_default();
        self.out.packet(banner.len() + 16, |out| {
            put_u8(out, number::USERAUTH_BANNER);
            put_string(out, banner.as_bytes());
            put_string(out, b"");
        })?;
        Ok(())
    }

    fn method<'a>(
        &mut self,
        payload: &'a [u8],
        name: &'a [u8],
        service: &'a [u8],
        reader: &mut Reader<'a>,
    ) -> Result<LoginMethod<'a>, Fatal> {
        let is_offered = |method| self.config.methods.contains(&method);
        let method = match name {
            b"none" => LoginMethod::None,
            b"password" if is_offered(AuthMethod::Password) => self.password(reader)?,
            b"publickey" if is_offered(AuthMethod::PublicKey) => {
                self.public_key(payload, false, reader)?
            }
            HOSTBOUND if is_offered(AuthMethod::PublicKey) => {
                self.public_key(payload, true, reader)?
            }
            b"keyboard-interactive" if is_offered(AuthMethod::KeyboardInteractive) => {
                // A language, and submethods (RFC 4256 section 3.1).
                reader.string()?;
                reader.string()?;
                reader.end()?;
                LoginMethod::KeyboardInteractive
            }
            other => LoginMethod::Invalid(InvalidLogin::Method(other)),
        };
        match service == CONNECTION {
            true => Ok(method),
            false => Ok(LoginMethod::Invalid(InvalidLogin::Service(service))),
        }
    }

    fn password<'a>(&mut self, reader: &mut Reader<'a>) -> Result<LoginMethod<'a>, Fatal> {
        let is_change = reader.bool()?;
        let password = reader.string()?;
        let method = match is_change {
            false => LoginMethod::Password(password),
            true => {
                let new = reader.string()?;
                let login = self.login.as_mut();
                match login.is_some_and(|login| std::mem::take(&mut login.wants_new_password)) {
                    true => LoginMethod::NewPassword { old: password, new },
                    false => LoginMethod::Invalid(InvalidLogin::PasswordChange),
                }
            }
        };
        reader.end()?;
        Ok(method)
    }

    /// Everything is read before anybody is looked up: what is malformed is so for all users alike.
    fn public_key<'a>(
        &self,
        payload: &'a [u8],
        is_bound: bool,
        reader: &mut Reader<'a>,
    ) -> Result<LoginMethod<'a>, Fatal> {
        let is_signed = reader.bool()?;
        let (name, blob) = (reader.string()?, reader.string()?);
        let host_key = match is_bound {
            true => Some(reader.string()?),
            false => None,
        };
        let request = payload
            .get(..payload.len() - reader.rest().len())
            .unwrap_or_default();
        let signature = match is_signed {
            true => Some(reader.string()?),
            false => None,
        };
        reader.end()?;
        let invalid = |why| Ok(LoginMethod::Invalid(why));
        let algorithms = &self.config.public_key_algorithms;
        let algorithm =
            KeyAlgorithm::from_name(name).filter(|algorithm| algorithms.contains(algorithm));
        let Some(algorithm) = algorithm else {
            return invalid(InvalidLogin::Algorithm(name));
        };
        let key = match PublicKey::parse(blob) {
            Ok(key) if key.fits(algorithm) => key,
            _ => return invalid(InvalidLogin::Key),
        };
        let Some(session) = self.keys.session() else {
            return Err(Fatal::protocol("a login before keys were exchanged"));
        };
        let this = self.config.host_key_blob(session.host_key);
        if host_key.is_some() && host_key != this {
            return invalid(InvalidLogin::OtherHostKey);
        }
        Ok(match signature {
            None => LoginMethod::KeyOffered(KeyOffer { algorithm, key }),
            Some(signature) => LoginMethod::Key(SignedLogin {
                algorithm,
                key,
                session_id: session.id,
                request,
                signature,
                number: self.login.as_ref().map_or(0, |login| login.number()),
            }),
        })
    }

    /// Answers to questions (RFC 4256 section 3.4).
    pub(crate) fn handle_info_response<'a>(
        &mut self,
        payload: &'a [u8],
    ) -> Result<Option<Event<'a>>, Fatal> {
        let Some(login) = self.login.as_mut() else {
            return Ok(None);
        };
        let Some(asked) = login.questions.take() else {
            return Err(Fatal::protocol("answers without a question"));
        };
        if login.next_request().is_none() {
            return Err(too_many());
        }
        let mut reader = Reader::new(payload);
        reader.u8()?;
        let count = reader.u32()?;
        let answers = reader.clone();
        let mut found = 0_u32;
        while !reader.rest().is_empty() {
            reader.string()?;
            found = found.saturating_add(1);
        }
        let is_right = count == asked && found == count;
        login.ask(match is_right {
            true => Kind::Interactive,
            false => Kind::Invalid,
        });
        let method = match is_right {
            true => LoginMethod::Answers(Answers { reader: answers }),
            false => LoginMethod::Invalid(InvalidLogin::NumberOfAnswers),
        };
        let user = login.who.as_ref().map(|(user, _)| user.clone());
        let user = user.unwrap_or_default().into();
        Ok(Some(Event::Login(Box::new(Login { user, method }))))
    }

    pub(crate) fn answer_login(&mut self, answer: LoginAnswer) -> Result<(), Fatal> {
        let Some(asked) = self.login.as_mut().and_then(|login| login.asked.take()) else {
            return Ok(());
        };
        let Some(session) = self.keys.session().copied() else {
            return Ok(());
        };
        match verdict(&session.id, asked, answer) {
            Verdict::In => self.log_in(),
            Verdict::Questions {
                name,
                instruction,
                prompts,
            } => self.ask_questions(&name, &instruction, &prompts),
            Verdict::NewPassword { prompt } => self.ask_for_new_password(&prompt),
            Verdict::KeyIsGood => self.key_is_good(),
            Verdict::Partial(methods) => {
                self.failure(&methods, true)?;
                if let Some(login) = self.login.as_mut() {
                    login.remaining = Some(methods);
                }
                Ok(())
            }
            Verdict::Failure { counts } => {
                let most = self.config.max_auth_failures;
                let mut login = self.login.as_mut();
                if let Some(login) = login.as_mut() {
                    login.offered = None;
                    if counts && login.fail(most) {
                        return Err(too_many());
                    }
                }
                let remaining = login.and_then(|login| login.remaining.clone());
                let methods = remaining.unwrap_or_else(|| self.config.methods.clone());
                self.failure(&methods, false)
            }
        }
    }
}

#[cfg(test)]
mod tests;
