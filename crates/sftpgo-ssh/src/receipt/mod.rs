//! Receipts: what a file holds, said by the server and signed with its host key.
//!
//! The statement is a line of JSON. The signature is a file of OpenSSH's format for signatures of files (PROTOCOL.sshsig), which
//! `ssh-keygen -Y verify` reads. What it signs begins with `SSHSIG`, so it cannot stand for a signature of a key exchange.
//!
//! A receipt is of what the server has when it is asked: the file is read to its end by the same open file, and if it changes
//! meanwhile there is no receipt.

mod command;
mod sshsig;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use ring::digest;
use sftpgo_core::{Error, ErrorKind, Result, VirtualPath, filesystem::File, session::Session};

pub use self::command::ReceiptCommand;
use crate::host_key::HostKey;

/// What the signature is for; it is good for nothing else.
pub const NAMESPACE: &str = "receipt@sftpgo-rs.github.io";

/// The extended request of SFTP for them: name and revision.
pub(crate) const EXTENSION: (&str, &str) = (NAMESPACE, "1");

/// A file that is being read.
pub(crate) struct Reading {
    path: VirtualPath,
    file: Box<dyn File>,
    stamp: Stamp,
    hash: digest::Context,
    offset: u64,
    buffer: Vec<u8>,
}

/// What is another one after a change: seconds, nanoseconds and size.
type Stamp = (i64, i64, i64);

/// A statement and its signature.
pub(crate) struct Receipt {
    /// A line, with its end.
    pub(crate) statement: String,
    /// Several lines, with their ends.
    pub(crate) signature: String,
}

impl Reading {
    /// Begins to read the file at `path`.
    ///
    /// # Errors
    /// As [`Session::open_content`]; [`Unsupported`](ErrorKind::Unsupported) where nothing shows whether the file changes.
    pub(crate) fn begin(session: &Session, path: VirtualPath) -> Result<Self> {
        Self::of(session.open_content(&path)?, path)
    }

    fn of(file: Box<dyn File>, path: VirtualPath) -> Result<Self> {
        let stamp = stamp(file.as_ref()).ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "the storage does not tell whether a file changes",
            )
        })?;
        Ok(Self {
            stamp,
            path,
            file,
            hash: digest::Context::new(&digest::SHA256),
            offset: 0,
            buffer: Vec::new(),
        })
    }

    /// Reads so many bytes more at the most, and returns whether that was the end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn go_on(&mut self, most: usize) -> Result<bool> {
        self.buffer.resize(most, 0);
        let count = self.file.read_at(&mut self.buffer, self.offset)?;
        let read = self.buffer.get(..count).unwrap_or_default();
        self.hash.update(read);
        self.offset = self.offset.saturating_add(count as u64);
        Ok(count == 0)
    }

    /// Makes the receipt of what was read, for this user.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) when the file has changed meanwhile; the key does not sign.
    pub(crate) fn finish(self, username: &str, key: &HostKey) -> Result<Receipt> {
        if stamp(self.file.as_ref()) != Some(self.stamp) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "the file changed while it was read, ask again",
            ));
        }
        let key = key.for_engine()?;
        let statement = statement(&Facts {
            server_key: &sshsig::public_line(key.public_blob()),
            username,
            path: self.path.as_bytes(),
            size: self.offset,
            sha256: self.hash.finish().as_ref(),
            time: Timestamp::now(),
        });
        let signature = sshsig::sign(&key, NAMESPACE, statement.as_bytes())?;
        Ok(Receipt {
            statement,
            signature,
        })
    }
}

/// None of a storage that is not on the system's disks.
fn stamp(file: &dyn File) -> Option<Stamp> {
    let found = rustix::fs::fstat(file.system_handle()?).ok()?;
    Some((
        found.st_ctime,
        found.st_ctime_nsec.cast_signed(),
        found.st_size,
    ))
}

struct Facts<'a> {
    server_key: &'a str,
    username: &'a str,
    path: &'a [u8],
    size: u64,
    sha256: &'a [u8],
    time: Timestamp,
}

/// A path that is not UTF-8 has its bytes besides.
fn statement(facts: &Facts<'_>) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let shown = String::from_utf8_lossy(facts.path);
    let bytes = match std::str::from_utf8(facts.path) {
        Ok(_) => String::new(),
        Err(_) => format!(",\"path_hex\":\"{}\"", hex(facts.path)),
    };
    format!(
        "{{\"receipt\":1,\"server_key\":{},\"username\":{},\"path\":{}{bytes},\"size\":{},\"sha256\":\"{}\",\"time\":\"{:.0}\"}}\n",
        text(facts.server_key),
        text(facts.username),
        text(&shown),
        facts.size,
        hex(facts.sha256),
        facts.time,
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use sftpgo_core::filesystem::{Metadata, SetAttributes};

    use super::*;

    /// Of a storage that is not on the system's disks.
    struct Elsewhere;

    impl File for Elsewhere {
        fn read_at(&self, _: &mut [u8], _: u64) -> Result<usize> {
            Ok(0)
        }

        fn write_all_at(&self, _: &[u8], _: u64) -> Result<()> {
            Ok(())
        }

        fn set_len(&self, _: u64) -> Result<()> {
            Ok(())
        }

        fn sync(&self) -> Result<()> {
            Ok(())
        }

        fn metadata(&self) -> Result<Metadata> {
            Err(Error::new(ErrorKind::Unsupported, "it has none"))
        }

        fn set_attributes(&self, _: &SetAttributes) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_file_of_which_nothing_shows_whether_it_changes_gets_no_receipt() {
        let refused = Reading::of(Box::new(Elsewhere), VirtualPath::root()).err();
        assert_eq!(
            refused.map(|error| error.kind()),
            Some(ErrorKind::Unsupported)
        );
    }

    #[test]
    fn a_statement_is_one_line_whatever_the_name_is() {
        let said = statement(&Facts {
            server_key: "ssh-ed25519 AAAA",
            username: "a\"b",
            path: b"/x\n\xff",
            size: 7,
            sha256: &[0xab, 0x01],
            time: Timestamp::UNIX_EPOCH,
        });
        assert_eq!(
            said,
            "{\"receipt\":1,\"server_key\":\"ssh-ed25519 AAAA\",\"username\":\"a\\\"b\",\"path\":\"/x\\n\u{fffd}\",\"path_hex\":\"2f780aff\",\"size\":7,\"sha256\":\"ab01\",\"time\":\"1970-01-01T00:00:00Z\"}\n"
        );
    }
}
