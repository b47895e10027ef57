//! The data types of the protocol (RFC 4251 section 5): read borrowed from what came, written to the end of a buffer.

mod read;
mod write;

pub use self::read::Malformed;
pub(crate) use self::{
    read::Reader,
    write::{put_bool, put_mpint, put_name_list, put_string, put_u8, put_u32},
};
