//! A file that is being read for a receipt.

use std::time::{Duration, SystemTime};

use ring::digest;
use sftpgo_core::{
    Error, ErrorKind, Result,
    content::{Content, Uploaded},
};

use super::{
    NAMESPACE, Receipt, sshsig,
    statement::{Facts, statement},
};
use crate::host_key::HostKey;

/// How far the reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It has to wait for so long before it goes on.
    Wait(Duration),
    /// There is more to read.
    More,
    /// All was read.
    Done,
}

/// A file that is being read.
pub struct Reading {
    username: String,
    content: Content,
    upload: Option<OfUpload>,
    begun: bool,
    hash: digest::Context,
    offset: u64,
    buffer: Vec<u8>,
}

/// What is said of an upload besides.
struct OfUpload {
    is_whole: bool,
    at: SystemTime,
}

impl Reading {
    /// Begins to read a file of this user, for what it holds now.
    pub fn of_file(username: &str, content: Content) -> Self {
        Self::of(username.to_owned(), content, None)
    }

    /// Begins to read what was uploaded.
    pub fn of_upload(upload: Uploaded) -> Self {
        let of_upload = OfUpload {
            is_whole: upload.is_whole,
            at: upload.at,
        };
        Self::of(upload.username, upload.content, Some(of_upload))
    }

    fn of(username: String, content: Content, upload: Option<OfUpload>) -> Self {
        Self {
            username,
            content,
            upload,
            begun: false,
            hash: digest::Context::new(&digest::SHA256),
            offset: 0,
            buffer: Vec::new(),
        }
    }

    /// Reads so many bytes more at the most.
    ///
    /// # Errors
    /// The file cannot be read, or has changed.
    pub fn go_on(&mut self, most: usize) -> Result<Progress> {
        if !self.begun {
            if let Some(wait) = self.content.wait_to_read()? {
                return Ok(Progress::Wait(wait));
            }
            self.begun = true;
        }
        self.buffer.resize(most, 0);
        let count = self.content.read_at(&mut self.buffer, self.offset)?;
        let read = self.buffer.get(..count).unwrap_or_default();
        self.hash.update(read);
        self.offset = self.offset.saturating_add(count as u64);
        Ok(match count {
            0 => Progress::Done,
            _ => Progress::More,
        })
    }

    /// Has nobody opened the file to write to it since it began to be watched, as far as users of this server go?
    pub fn is_unwritten(&self) -> bool {
        self.content.is_unwritten()
    }

    /// Reads it from its beginning, once more: a change of its name or its attributes does not matter.
    pub fn begin_again(&mut self) {
        self.begun = false;
        self.hash = digest::Context::new(&digest::SHA256);
        self.offset = 0;
        self.content.begin_again();
    }

    /// Is what was read what the file holds, all of it at once, and what was uploaded?
    ///
    /// # Errors
    /// The file cannot be looked at.
    pub fn is_good(&self) -> Result<bool> {
        let is_of_upload = self.upload.is_none() || self.content.is_as_at_first();
        Ok(is_of_upload && self.content.is_unchanged()?)
    }

    /// Makes the receipt of what was read.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) when the file has changed meanwhile; the key does not sign.
    pub fn finish(self, key: &HostKey) -> Result<Receipt> {
        if !self.is_good()? {
            return Err(Error::new(
                ErrorKind::Conflict,
                "the file changed while it was read, ask again",
            ));
        }
        let key = key.for_engine()?;
        let statement = statement(&Facts {
            server_key: &sshsig::public_line(key.public_blob()),
            username: &self.username,
            path: self.content.path().as_bytes(),
            size: self.offset,
            sha256: self.hash.finish().as_ref(),
            upload_is_whole: self.upload.as_ref().map(|upload| upload.is_whole),
            time: match &self.upload {
                Some(upload) => upload.at,
                None => SystemTime::now(),
            },
        });
        let signature = sshsig::sign(&key, NAMESPACE, statement.as_bytes())?;
        Ok(Receipt {
            statement,
            signature,
        })
    }
}
