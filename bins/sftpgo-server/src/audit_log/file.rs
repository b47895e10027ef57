//! The file of the audit log: where the chain goes on, how lines get there, and how it is put aside.
//!
//! Everything happens under a lock of the file (flock), so that several processes can write one chain: who has it looks
//! whether the file is where it was left, and if it is longer reads from its end what the others wrote.

mod end;

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use sftpgo_audit::{BadHead, Chain, Head, Key, Link, Record};

use self::end::{End, first_line};
use super::{
    now,
    place::{open_to_append, replace},
};
use crate::logging;

/// A file that is open, and the end of its chain.
pub(super) struct ChainFile {
    path: PathBuf,
    file: File,
    /// Its size when this process looked last; none when it has to look.
    size: Option<u64>,
    /// The number of its first line.
    first: u64,
    chain: Chain,
    /// The last line of the file before, where this process has seen it.
    before: Option<Link>,
    /// What has to be told before anything else.
    to_tell: Vec<Record>,
    /// The file does not end with a line end.
    is_torn: bool,
    /// A shorter file is not tried to be put aside, because that failed.
    put_aside_above: u64,
}

/// Why a file is put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Size,
    Signal,
}

impl ChainFile {
    /// Goes on in the file at `path`, or makes it.
    pub(super) fn open(path: &Path, key: Option<Key>) -> io::Result<Self> {
        let mut opened = Self {
            path: path.to_owned(),
            file: open_to_append(path)?,
            size: None,
            first: 1,
            chain: Chain::after(Link::start(), key),
            before: None,
            to_tell: Vec::new(),
            is_torn: false,
            put_aside_above: 0,
        };
        opened.locked(|_| Ok(()))?;
        Ok(opened)
    }

    /// Adds lines, all or none. The file is put aside before when it would become longer than `max_size` bytes; 0 is no
    /// limit.
    pub(super) fn append(&mut self, records: &[Record], max_size: u64) -> io::Result<()> {
        self.locked(|file| {
            let (bytes, chain) = file.lines(records);
            let size = file.size.unwrap_or(0);
            let grown = size.saturating_add(bytes.len() as u64);
            if size == 0 || max_size == 0 || grown <= max_size.max(file.put_aside_above) {
                return file.put(&bytes, chain);
            }
            file.add(&[])?;
            file.try_put_aside(Why::Size, max_size);
            file.add(records)
        })
    }

    /// Writes lines, behind what has to be told first: that belongs to the file in which it was found.
    fn add(&mut self, records: &[Record]) -> io::Result<()> {
        let (bytes, chain) = self.lines(records);
        self.put(&bytes, chain)
    }

    fn put(&mut self, bytes: &[u8], chain: Chain) -> io::Result<()> {
        self.write(bytes)?;
        self.chain = chain;
        self.to_tell.clear();
        self.is_torn = false;
        Ok(())
    }

    /// Puts the file aside, unless it is empty.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        self.locked(|file| match file.size {
            Some(1..) => {
                file.add(&[])?;
                file.try_put_aside(Why::Signal, 0);
                Ok(())
            }
            _ => Ok(()),
        })
    }

    /// Writes the head, behind the lines that it tells of: a power cut must not leave one that tells of more.
    pub(super) fn anchor(&mut self) -> io::Result<()> {
        self.locked(Self::write_anchor)
    }

    fn write_anchor(&mut self) -> io::Result<()> {
        self.add(&[])?;
        self.file.sync_data()?;
        self.write_head(&self.path)
    }

    /// The number of the last line.
    fn last_number(&self) -> u64 {
        self.chain.last().number
    }

    fn locked<T>(&mut self, work: impl FnOnce(&mut Self) -> io::Result<T>) -> io::Result<T> {
        let done = self.lock().and_then(|()| work(self));
        // A file that was put aside meanwhile lost its lock with its descriptor.
        let _ = flock(&self.file, FlockOperation::Unlock);
        done
    }

    /// Locks the file that has the name, and finds the end of its chain.
    fn lock(&mut self) -> io::Result<()> {
        loop {
            flock(&self.file, FlockOperation::LockExclusive)?;
            if self.is_in_place()? {
                break;
            }
            // Others may have written to it before it lost its name.
            self.catch_up()?;
            self.file = open_to_append(&self.path)?;
            self.size = None;
        }
        if self.size != Some(self.file.metadata()?.len()) {
            self.find_end()?;
        }
        Ok(())
    }

    fn catch_up(&mut self) -> io::Result<()> {
        let size = self.file.metadata()?.len();
        if let Some(last) = End::of(&self.file, size, None)?.last
            && last.number > self.last_number()
        {
            self.chain = Chain::after(last, self.chain.key().cloned());
        }
        self.before = Some(self.chain.last());
        Ok(())
    }

    fn is_in_place(&self) -> io::Result<bool> {
        let open = self.file.metadata()?;
        match fs::metadata(&self.path) {
            Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Finds what the chain goes on behind: the end of the file, unless the head or this process knows of more. What was
    /// torn or cut is told. An empty file goes on behind the file before.
    fn find_end(&mut self) -> io::Result<()> {
        let size = self.file.metadata()?.len();
        let known = self.chain.last();
        let end = End::of(&self.file, size, self.chain.key())?;
        let (head, is_head_sealed) = self.read_head(&end).unzip();
        let mut found = match (end.last, self.before) {
            (Some(last), _) | (None, Some(last)) => last,
            (None, None) => self.last_aside()?.unwrap_or_else(Link::start),
        };
        let of_head = head.map_or_else(Link::start, |head: Head| head.last);
        // The files before it may be elsewhere, so the head is what such a file goes on behind.
        let is_begun_empty = size == 0 && head.is_some_and(|head| head.is_of_empty_file());
        if is_begun_empty && of_head.number > found.number {
            found = of_head;
        }
        let whole = found.whole_next(&end.rest);
        found = whole.unwrap_or(found);
        let most = if known.number > of_head.number {
            known
        } else {
            of_head
        };
        let last = if most.number > found.number {
            most
        } else {
            found
        };
        self.to_tell.clear();
        self.is_torn = !end.rest.is_empty();
        // Of a whole line nothing but its line end is missing.
        if self.is_torn && whole.is_none() {
            self.to_tell.push(Record::of_torn(&now(), &end.rest));
        }
        let is_headless = size > 0 && head.is_none();
        if is_headless {
            self.tell_headless();
        }
        if last.number > found.number {
            self.tell_cut(found.number, last.number);
        }
        self.chain = Chain::after(last, self.chain.key().cloned());
        self.first = match first_line(&self.file)? {
            Some(number) => number,
            // Its first line was torn.
            None if size > 0 => head.map_or(1, |head| head.first),
            None => last.number.saturating_add(1),
        };
        self.size = Some(size);
        if size == 0 {
            return self.write_head(&self.path);
        }
        // Behind a head without an HMAC, lines with one would look as if it had been replaced.
        let is_plain = self.chain.key().is_some() && is_head_sealed == Some(false);
        if (is_headless || is_plain)
            && let Err(error) = self.write_anchor()
        {
            log::error!(
                "the head of the audit log {} cannot be written: {error}",
                self.path.display()
            );
        }
        Ok(())
    }

    fn tell_headless(&mut self) {
        log::error!(
            "the audit log {} has lines and no head that can be used: another hand has removed or changed it, and may have cut the log",
            self.path.display()
        );
        self.to_tell.push(Record::of_headless(&now()));
    }

    fn tell_cut(&mut self, found: u64, known: u64) {
        log::error!(
            "the audit log {} ends with line number {found}, and number {known} was written: another hand has cut it; lines go on behind number {known}",
            self.path.display()
        );
        self.to_tell.push(Record::of_cut(&now(), found, known));
    }

    /// The last line of what was put aside last.
    fn last_aside(&self) -> io::Result<Option<Link>> {
        let files = logging::files(&self.path)?;
        let is_plain = |path: &&PathBuf| path.extension() != Some("gz".as_ref());
        let Some(path) = files.iter().skip(1).find(is_plain) else {
            return Ok(None);
        };
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(End::of(&file, size, None)?.last)
    }

    /// The lines of `records`, behind what has to be told first, and the chain behind them.
    fn lines(&self, records: &[Record]) -> (Vec<u8>, Chain) {
        let mut chain = self.chain.clone();
        let mut bytes = Vec::with_capacity(512 * records.len());
        if self.is_torn {
            bytes.push(b'\n');
        }
        for record in self.to_tell.iter().chain(records) {
            chain.append(record, &mut bytes);
        }
        (bytes, chain)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let before = self.size.unwrap_or(0);
        if let Err(error) = (&self.file).write_all(bytes) {
            // What is left of it would be a torn line; where it stays, it is told of as one.
            let is_as_before = self.file.set_len(before).is_ok();
            self.size = is_as_before.then_some(before);
            return Err(error);
        }
        self.size = Some(before + bytes.len() as u64);
        Ok(())
    }

    /// A file that cannot be put aside is written on. The next try is `later` bytes away.
    fn try_put_aside(&mut self, why: Why, later: u64) {
        match self.put_aside(why) {
            Ok(()) => self.put_aside_above = 0,
            Err(error) => {
                self.put_aside_above = self.size.unwrap_or(0).saturating_add(later);
                log::error!(
                    "the audit log {} cannot be put aside, so its lines go on in the same file: {error}",
                    self.path.display()
                );
            }
        }
    }

    /// At each step a head tells of no more than its file has, whenever a crash comes.
    fn put_aside(&mut self, why: Why) -> io::Result<()> {
        let aside = self.free_name()?;
        self.file.sync_data()?;
        self.write_head(&aside)?;
        fs::rename(&self.path, &aside)?;
        self.before = Some(self.chain.last());
        self.first = self.last_number().saturating_add(1);
        self.write_head(&self.path)?;
        let file = open_to_append(&self.path)?;
        flock(&file, FlockOperation::LockExclusive)?;
        self.file = file;
        self.size = Some(0);
        let name = aside.file_name().unwrap_or_default().to_string_lossy();
        let why = match why {
            Why::Size => "size",
            Why::Signal => "signal",
        };
        let continued = Record::new(&now(), "audit_continued")
            .with("behind", name)
            .with("reason", why);
        self.to_tell.push(continued);
        Ok(())
    }

    fn free_name(&self) -> io::Result<PathBuf> {
        let mut time = Timestamp::now();
        loop {
            let name = logging::name_aside(&self.path, time);
            if !name.try_exists()? {
                return Ok(name);
            }
            time = time
                .checked_add(Duration::from_millis(1))
                .map_err(io::Error::other)?;
        }
    }

    /// The head, and whether it has an HMAC with the key of this process. Where the key is another one than that of the last
    /// line, the HMAC is not compared.
    fn read_head(&self, end: &End) -> Option<(Head, bool)> {
        let bytes = fs::read(head_of(&self.path)).ok()?;
        let keys = self.chain.key().cloned();
        let read = match Head::parse(&bytes, keys.as_slice()) {
            Err(BadHead::Changed) if !end.is_of_key => {
                Head::parse(&bytes, &[]).map(|(head, _)| (head, false))
            }
            read => read,
        };
        match read {
            Ok(read) => Some(read),
            Err(why) => {
                log::error!(
                    "the head of the audit log {} is not used, because {why}; sftpgo-server audit verify says more",
                    self.path.display()
                );
                None
            }
        }
    }

    fn write_head(&self, path: &Path) -> io::Result<()> {
        let head = Head {
            first: self.first,
            last: self.chain.last(),
        };
        replace(&head_of(path), &head.to_bytes(self.chain.key()))
    }
}

/// The name of the head of a file.
pub(crate) fn head_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".head");
    name.into()
}

#[cfg(test)]
mod tests;
