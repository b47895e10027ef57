//! The steps of a login: which credential lets in alone, which needs another one besides, and what is left then.
//!
//! It is decided here for the user's filters, of whatever backend the user is. A protocol carries it out: it offers what is
//! left and asks what is to be asked.

use std::fmt;

use super::{LoginFailure, login::VerifiedLogin};
use crate::user::{LoginMethods, UserFilters};

/// A step that a client has taken, by what it showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A key, and that it has it.
    PublicKey,
    /// A password, by a request for that.
    Password,
    /// A password, as the answer to a question.
    Answer,
}

/// What follows a step whose credential was good.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The user is in.
    In,
    /// One of these is needed besides.
    Left(LoginMethods),
    /// A code is to be asked for.
    Code,
    /// The step is of no use, for this reason.
    Refused(String),
}

/// Returns what follows `step`, which came after `before`, for a user with `filters` where a protocol offers `offered`.
pub(super) fn after(
    filters: &UserFilters,
    offered: LoginMethods,
    before: Option<Step>,
    step: Step,
) -> Next {
    let denied = filters.denied_login_methods;
    let second = denied.after_public_key() & offered;
    match before {
        None => alone(filters, offered, step),
        Some(Step::PublicKey) if second.contains(method_of(step)) => Next::In,
        Some(_) => Next::Refused(not_left()),
    }
}

pub(super) fn not_left() -> String {
    "the login method is not among those that are left".to_owned()
}

fn alone(filters: &UserFilters, offered: LoginMethods, step: Step) -> Next {
    let denied = filters.denied_login_methods;
    let alone = denied.alone_over_ssh() & offered;
    if !denied.alone_over_ssh().contains(method_of(step)) {
        let second = denied.after_public_key() & offered;
        return match step {
            Step::PublicKey if !second.is_empty() => Next::Left(second),
            _ => Next::Refused(format!(
                "{} is among the denied login methods of the user",
                name_of(step)
            )),
        };
    }
    match step {
        Step::Password if filters.totp_for_ssh().is_some() => {
            let asks = alone & LoginMethods::KEYBOARD_INTERACTIVE;
            if asks.is_empty() {
                return Next::Refused(
                    "a code of the second factor is needed, and keyboard-interactive, which asks for it, is not allowed"
                        .to_owned(),
                );
            }
            Next::Left(asks)
        }
        Step::Answer if filters.totp_for_ssh().is_some() => Next::Code,
        _ => Next::In,
    }
}

fn method_of(step: Step) -> LoginMethods {
    match step {
        Step::PublicKey => LoginMethods::PUBLIC_KEY,
        Step::Password => LoginMethods::PASSWORD,
        Step::Answer => LoginMethods::KEYBOARD_INTERACTIVE,
    }
}

fn name_of(step: Step) -> &'static str {
    match step {
        Step::PublicKey => "publickey",
        Step::Password => "password",
        Step::Answer => "keyboard-interactive",
    }
}

/// A question that a client is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// The password.
    Password,
    /// A code of the second factor, or a recovery code.
    Code,
}

/// The login of one connection: what was proved so far, and what was asked.
pub struct LoginSteps {
    offered: LoginMethods,
    done: Option<Box<Done>>,
    pub(super) asked: Option<Asked>,
    /// The last step that was not the last of a login, whatever came after it.
    pub(super) unfinished: Option<Box<Unfinished>>,
}

/// What is to be told of a login that stays without its last step.
pub(super) struct Unfinished {
    pub(super) username: String,
    pub(super) step: Step,
    left: String,
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (step, left) = (name_of(self.step), &self.left);
        write!(
            f,
            "the login was not completed: {step} was good, and {left} was left"
        )
    }
}

/// A step that was not the last.
struct Done {
    step: Step,
    /// What can follow it.
    left: LoginMethods,
    verified: VerifiedLogin,
}

/// What becomes of a login after a step whose credential was good.
pub(super) enum Going {
    /// It was the last step.
    In(Box<VerifiedLogin>),
    /// Another one follows.
    On(Needed),
}

/// What a client has to bring besides.
pub(super) enum Needed {
    /// One of these.
    Method(LoginMethods),
    /// The answer to this.
    Answer(Question),
}

/// A question that has no answer yet.
pub(super) enum Asked {
    /// The password.
    Password,
    /// The code of whose other credential was good.
    Code(Box<VerifiedLogin>),
}

impl LoginSteps {
    /// Nothing is proved yet, and a client may ask for these of [`LoginMethods::OF_SSH`].
    pub fn new(offered: LoginMethods) -> Self {
        Self {
            offered,
            done: None,
            asked: None,
            unfinished: None,
        }
    }

    /// A dialogue begins. Returns what to ask first.
    pub fn ask(&mut self) -> Question {
        let code_of = self.done.as_ref().filter(|done| match done.step {
            Step::PublicKey => done.verified.filters().totp_for_ssh().is_some(),
            Step::Password | Step::Answer => true,
        });
        self.asked = Some(match code_of {
            Some(done) => Asked::Code(Box::new(done.verified.clone())),
            None => Asked::Password,
        });
        match code_of {
            Some(_) => Question::Code,
            None => Question::Password,
        }
    }

    /// The client asks for something else than to answer, which ends a dialogue.
    pub fn abandon(&mut self) {
        self.asked = None;
    }

    /// Takes a step whose credential was good, and remembers it where it is not the last.
    ///
    /// # Errors
    /// It is another user's than the step before, or of no use.
    pub(super) fn go_on(
        &mut self,
        step: Step,
        verified: VerifiedLogin,
    ) -> Result<Going, LoginFailure> {
        if let Some(done) = &self.done {
            verified.check_same_user(&done.verified)?;
        }
        match after(verified.filters(), self.offered, self.before(), step) {
            Next::In => Ok(Going::In(Box::new(verified))),
            Next::Left(left) => {
                self.remember(step, verified.username(), left.names().join(" or "));
                self.done = Some(Box::new(Done {
                    step,
                    left,
                    verified,
                }));
                Ok(Going::On(Needed::Method(left)))
            }
            Next::Code => {
                let left = "a code of the second factor".to_owned();
                self.remember(step, verified.username(), left);
                self.asked = Some(Asked::Code(Box::new(verified)));
                Ok(Going::On(Needed::Answer(Question::Code)))
            }
            Next::Refused(reason) => Err(reason.into()),
        }
    }

    /// A step of the user's was good, and `left` is needed besides.
    fn remember(&mut self, step: Step, username: &str, left: String) {
        self.unfinished = Some(Box::new(Unfinished {
            username: username.to_owned(),
            step,
            left,
        }));
    }

    /// The login is over: what was shown for it is not kept for as long as the connection lasts.
    pub(super) fn forget(&mut self) {
        *self = Self::new(self.offered);
    }

    /// Does a dialogue lead anywhere?
    pub(super) fn may_answer(&self) -> bool {
        let left = self.done.as_ref().map_or(self.offered, |done| done.left);
        left.contains(LoginMethods::KEYBOARD_INTERACTIVE)
    }

    pub(super) fn before(&self) -> Option<Step> {
        self.done.as_ref().map(|done| done.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        credential::second_factor::TotpSecret,
        user::{TotpProtocols, UserTotp},
    };

    const ALL: LoginMethods = LoginMethods::OF_SSH;
    const STEPS: [Step; 3] = [Step::PublicKey, Step::Password, Step::Answer];

    fn filters(denied: &[&str], totp: Option<TotpProtocols>) -> UserFilters {
        UserFilters {
            denied_login_methods: LoginMethods::from_names(denied).unwrap(),
            totp: totp.map(|protocols| UserTotp {
                secret: TotpSecret {
                    config_name: "Default".to_owned(),
                    secret: "secret".to_owned(),
                },
                protocols,
            }),
            ..UserFilters::default()
        }
    }

    fn is_refused(next: &Next) -> bool {
        matches!(next, Next::Refused(_))
    }

    #[test]
    fn without_filters_each_credential_lets_in() {
        for totp in [None, Some(TotpProtocols::HTTP | TotpProtocols::FTP)] {
            for step in STEPS {
                assert_eq!(after(&filters(&[], totp), ALL, None, step), Next::In);
            }
        }
    }

    #[test]
    fn a_password_alone_never_lets_in_who_has_a_second_factor() {
        let ki = LoginMethods::KEYBOARD_INTERACTIVE;
        // Every set of denied methods and of methods that the server offers.
        for denied in 0..=u8::MAX {
            for offered in 0..=u8::MAX {
                let filters = UserFilters {
                    denied_login_methods: LoginMethods::from_bits_retain(denied),
                    ..filters(&[], Some(TotpProtocols::SSH))
                };
                let offered = ALL & LoginMethods::from_bits_retain(offered);
                for step in [Step::Password, Step::Answer] {
                    let next = after(&filters, offered, None, step);
                    let asks = next == Next::Code || next == Next::Left(ki);
                    assert!(asks || is_refused(&next), "{denied:x} {step:?} {next:?}");
                    // Whoever gave a password has only the code left, which is not decided here.
                    for second in STEPS {
                        assert!(is_refused(&after(&filters, offered, Some(step), second)));
                    }
                }
            }
        }
        let totp = filters(&[], Some(TotpProtocols::SSH));
        assert_eq!(after(&totp, ALL, None, Step::Answer), Next::Code);
        assert_eq!(after(&totp, ALL, None, Step::Password), Next::Left(ki));
        assert!(is_refused(&after(&totp, ALL - ki, None, Step::Password)));
        assert_eq!(after(&totp, ALL, None, Step::PublicKey), Next::In);
    }

    #[test]
    fn what_is_denied_lets_nobody_in() {
        for (name, step) in [
            ("publickey", Step::PublicKey),
            ("password", Step::Password),
            ("password-over-SSH", Step::Password),
            ("keyboard-interactive", Step::Answer),
        ] {
            let denied = filters(&[name], None);
            for other in STEPS {
                let next = after(&denied, ALL, None, other);
                assert_eq!(is_refused(&next), other == step, "{name} {other:?}");
            }
        }
    }

    #[test]
    fn two_steps_begin_with_a_key_and_end_with_what_is_left() {
        const ALONE: [&str; 3] = ["publickey", "password-over-SSH", "keyboard-interactive"];
        let (password, ki) = (LoginMethods::PASSWORD, LoginMethods::KEYBOARD_INTERACTIVE);
        for (more, left) in [
            (&[][..], password | ki),
            (&["publickey+password"], ki),
            (&["publickey+keyboard-interactive"], password),
        ] {
            for totp in [None, Some(TotpProtocols::SSH)] {
                let filters = filters(&[&ALONE[..], more].concat(), totp);
                let first = |step| after(&filters, ALL, None, step);
                assert_eq!(first(Step::PublicKey), Next::Left(left));
                assert!(is_refused(&first(Step::Password)));
                assert!(is_refused(&first(Step::Answer)));
                let second = |step| after(&filters, ALL, Some(Step::PublicKey), step);
                assert!(is_refused(&second(Step::PublicKey)));
                assert_eq!(second(Step::Password) == Next::In, left.contains(password));
                assert_eq!(second(Step::Answer) == Next::In, left.contains(ki));
            }
        }
        let filters = filters(&ALONE, None);
        let offered = ALL - password - ki;
        assert!(is_refused(&after(&filters, offered, None, Step::PublicKey)));
    }
}
