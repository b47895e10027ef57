//! The limit of open files of this process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::terminal;

/// What Linux allows at the most unless told otherwise.
const MAX: u64 = 1 << 20;

/// Systems give a process few open files at first, for programs that cannot count further. Here every
/// connection and every file of every client is one. What cannot be raised stays.
pub(crate) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(MAX).min(MAX);
    if limit.current.is_some_and(|current| current < most) {
        let raised = Rlimit {
            current: Some(most),
            ..limit
        };
        if let Err(errno) = setrlimit(Resource::Nofile, raised) {
            terminal::complain(&format!(
                "the limit of open files cannot be raised: {errno}"
            ));
        }
    }
}
