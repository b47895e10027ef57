//! Which refusals have a line each. A client may ask for what is refused as fast as it can send: beyond so many a minute they
//! are counted, and the count is told by a line, so that nobody fills the disk or hides what others are refused.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::Mutex,
    time::{Duration, Instant},
};

use sftpgo_audit::Record;
use sftpgo_core::{
    event::{Actor, Event},
    sync::lock,
};

/// Refusals are counted for so long, from the first one on.
const WINDOW: Duration = Duration::from_secs(60);
/// Lines of one user, admin or address in that time: more than a person comes to.
const LINES_OF_ONE: u64 = 20;
/// Lines of all addresses together from which nobody has logged in. Users and admins are as many as there are accounts;
/// addresses anybody has plenty of.
const LINES_OF_STRANGERS: u64 = 200;

/// Whom a refusal is counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// A user with a session.
    User(String),
    /// An admin, or another name by which HTTP is used.
    Admin(String),
    /// Nobody who has logged in.
    Address(IpAddr),
    /// Addresses for which no more lines are left.
    OtherAddresses,
}

impl Who {
    /// Who is refused something by this event; none where it tells of no refusal.
    pub(super) fn refused_by(event: &Event<'_>) -> Option<Self> {
        match event {
            Event::Refused { username, .. } => Some(Self::User((*username).to_owned())),
            Event::RequestRefused { by, .. } => Some(Self::asking(by)),
            _ => None,
        }
    }

    fn asking(by: &Actor) -> Self {
        match (by.identity.name(), by.address) {
            ("", Some(address)) => Self::Address(address),
            ("", None) => Self::OtherAddresses,
            (name, _) => Self::Admin(name.to_owned()),
        }
    }
}

/// The refusals of the last minute.
#[derive(Default)]
pub(super) struct Refusals(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    /// When the counts begin anew; none while there are none.
    ends_at: Option<Instant>,
    of: HashMap<Who, Count>,
    /// Lines of addresses.
    strangers: u64,
}

#[derive(Default)]
struct Count {
    lines: u64,
    omitted: Option<Omitted>,
}

/// Refusals that have no line of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Omitted {
    refusals: u64,
    /// When the first of them was told.
    since: String,
}

/// The same with who was refused something.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OmittedOf(Who, Omitted);

impl Refusals {
    /// Does a refusal of this moment, which is written as `time`, have a line of its own? Else it is counted.
    pub(super) fn has_line(&self, who: Who, now: Instant, time: &str) -> bool {
        let mut counted = lock(&self.0);
        counted.ends_at.get_or_insert(now + WINDOW);
        let is_stranger = matches!(who, Who::Address(_));
        let is_over = is_stranger && counted.strangers >= LINES_OF_STRANGERS;
        // So there are no more entries of addresses than lines of them.
        let who = match is_over && !counted.of.contains_key(&who) {
            true => Who::OtherAddresses,
            false => who,
        };
        let has_no_line = is_over || who == Who::OtherAddresses;
        let count = counted.of.entry(who).or_default();
        if !has_no_line && count.lines < LINES_OF_ONE {
            count.lines += 1;
            counted.strangers += u64::from(is_stranger);
            return true;
        }
        let omitted = count.omitted.get_or_insert_with(|| Omitted {
            refusals: 0,
            since: time.to_owned(),
        });
        omitted.refusals += 1;
        false
    }

    /// When there may be something in [`Refusals::take_ended`].
    pub(super) fn end_at(&self) -> Option<Instant> {
        lock(&self.0).ends_at
    }

    /// What was omitted in a time that is over by now; what there is of a time that is not, where that is its end too.
    pub(super) fn take_ended(&self, now: Instant, is_end: bool) -> Vec<OmittedOf> {
        let mut counted = lock(&self.0);
        if !is_end && counted.ends_at.is_none_or(|end| now < end) {
            return Vec::new();
        }
        let Counted { of, .. } = std::mem::take(&mut *counted);
        drop(counted);
        let omitted = of
            .into_iter()
            .filter_map(|(who, count)| Some(OmittedOf(who, count.omitted?)));
        omitted.collect()
    }
}

impl OmittedOf {
    /// The line that tells of it.
    pub(super) fn record(&self, time: &str) -> Record {
        let Self(who, omitted) = self;
        let record = Record::new(time, "refusals_omitted");
        let record = match who {
            Who::User(name) => record.with("username", super::records::text(name)),
            Who::Admin(name) => record.with("by", super::records::text(name)),
            Who::Address(address) => record.with("client_ip", address),
            Who::OtherAddresses => record,
        };
        record
            .with("refusals", omitted.refusals)
            .with("since", omitted.since.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn bob() -> Who {
        Who::User("bob".to_owned())
    }

    fn address(number: u64) -> Who {
        let number = u32::try_from(number).unwrap();
        Who::Address(Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn so_many_of_one_have_a_line_and_the_others_are_counted() {
        let refusals = Refusals::default();
        let now = Instant::now();
        let lines = (0..100).filter(|number| refusals.has_line(bob(), now, &number.to_string()));
        assert_eq!(lines.count() as u64, LINES_OF_ONE);
        assert!(refusals.has_line(Who::User("eve".to_owned()), now, "t"));
        let end = refusals.end_at().unwrap();
        assert_eq!(end, now + WINDOW);
        assert!(refusals.take_ended(now, false).is_empty());
        let omitted = Omitted {
            refusals: 100 - LINES_OF_ONE,
            since: LINES_OF_ONE.to_string(),
        };
        let ended = refusals.take_ended(end, false);
        assert_eq!(ended, [OmittedOf(bob(), omitted)]);
        assert_eq!(refusals.end_at(), None);
        assert!(refusals.has_line(bob(), end, "t"));
    }

    #[test]
    fn addresses_share_their_lines_and_take_none_of_users() {
        let refusals = Refusals::default();
        let now = Instant::now();
        let some = LINES_OF_STRANGERS + 1000;
        let lines = (0..some).filter(|number| refusals.has_line(address(*number), now, "t"));
        assert_eq!(lines.count() as u64, LINES_OF_STRANGERS);
        assert!(!refusals.has_line(address(0), now, "t"));
        assert!(refusals.has_line(bob(), now, "t"));
        assert_eq!(lock(&refusals.0).of.len() as u64, LINES_OF_STRANGERS + 2);
        let ended = refusals.take_ended(now, true);
        let of = |who: &Who| {
            let found = ended.iter().find(|OmittedOf(omitted, _)| omitted == who);
            found.map(|OmittedOf(_, omitted)| omitted.refusals)
        };
        assert_eq!(of(&Who::OtherAddresses), Some(1000));
        assert_eq!(of(&address(0)), Some(1));
        assert_eq!(ended.len(), 2);
    }
}
