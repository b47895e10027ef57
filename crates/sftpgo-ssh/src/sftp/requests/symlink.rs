//! SYMLINK: `id` and two names → STATUS. Which of the names is the link's, `symlink_order` tells.

use sftpgo_core::Result;

use super::*;
use crate::sftp::symlink_order::{Habit, Order, Prospect, by_what_is_there, habit_of};

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> HandlerResult {
    let (first, second) = (body.string()?, body.string()?);
    engine.not_before(Session::wait_to_change_names)?;
    let client = engine.session.connection().client_version();
    let order = match habit_of(client, engine.taken_for) {
        Habit::Always(order) => order,
        Habit::InDoubt(order) => by_what_is_there(
            order,
            prospect(engine, first, second)?,
            prospect(engine, second, first)?,
        ),
    };
    let (target, link) = match order {
        Order::TargetFirst => (first, second),
        Order::LinkFirst => (second, first),
    };
    engine.session.symlink(target, &VirtualPath::parse(link)?)?;
    ok(replies, id)
}

/// Returns what can be seen of a link to `target` under the name `link`, if that is one.
fn prospect(engine: &Engine, target: &[u8], link: &[u8]) -> Result<Prospect> {
    let Ok(link) = VirtualPath::parse(link) else {
        return Ok(Prospect {
            link_can_be_made: false,
            target_is_there: false,
        });
    };
    let session = &engine.session;
    Ok(Prospect {
        link_can_be_made: session.link_can_be_made(&link)?,
        target_is_there: session.link_would_lead(target, &link)?,
    })
}
