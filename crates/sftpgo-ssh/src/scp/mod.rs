//! scp's remote half over one session: `scp -t` takes files, `scp -f` sends them.

pub mod glob;
pub mod message;

mod arguments;
mod expand;
mod incoming;
mod sink;
mod source;
mod target;

pub use arguments::{Arguments, Refused};
pub use sink::Sink;
pub use source::Source;
