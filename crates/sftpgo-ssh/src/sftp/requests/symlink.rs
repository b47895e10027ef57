//! SYMLINK: `id, targetpath, linkpath` → STATUS. The draft (section 6.10) has the link first; OpenSSH and everybody
//! after it the target (PROTOCOL section 4.1), except for one client that takes only OpenSSH for that.

use super::*;

/// What its identification line has in it.
const IN_THE_ORDER_OF_THE_DRAFT: &str = "AsyncSSH";

pub(in crate::sftp) fn run(
    engine: &mut Engine,
    id: u32,
    body: &mut Decoder<'_>,
    replies: &mut Replies,
) -> Done {
    let (first, second) = (body.string()?, body.string()?);
    let client = engine.session.connection().client_version();
    let (target, link) = if client.contains(IN_THE_ORDER_OF_THE_DRAFT) {
        (second, first)
    } else {
        (first, second)
    };
    engine.session.symlink(target, &VirtualPath::parse(link)?)?;
    ok(replies, id)
}
