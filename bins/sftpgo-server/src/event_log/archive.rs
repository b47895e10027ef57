//! Events of before, from the log file and those that were put aside.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use flate2::read::GzDecoder;
use sftpgo_api::{EventArchive, PastEvents, RecentEvent};

use super::line;
use crate::logging;

/// Bytes of lines that are read for one question.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// A question is answered by what was read until then.
const LONGEST: Duration = Duration::from_secs(5);
/// A longer line is none of an event: names are shorter.
const LONGEST_LINE: u64 = 64 * 1024;

/// The log file of this server, and what was put aside of it.
pub(crate) struct LogFiles {
    path: PathBuf,
}

impl LogFiles {
    /// Those of the log file at `path`.
    pub(crate) fn of(path: PathBuf) -> Self {
        Self { path }
    }
}

impl EventArchive for LogFiles {
    fn last(
        &self,
        most: usize,
        is_wanted: &dyn Fn(&RecentEvent) -> bool,
    ) -> io::Result<PastEvents> {
        let mut reading = Reading {
            left: MOST_BYTES,
            until: Instant::now() + LONGEST,
            most,
            is_wanted,
            events: VecDeque::new(),
            is_cut_short: false,
        };
        for file in logging::files(&self.path)? {
            if reading.is_over() {
                break;
            }
            match reading.read_file(&file) {
                // It was put aside, compressed or forgotten meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        Ok(PastEvents {
            events: reading.events.into_iter().rev().collect(),
            is_cut_short: reading.is_cut_short,
        })
    }
}

/// From the newest file to the oldest, and in each from its beginning: what is found of a file goes before what was found
/// of newer ones.
struct Reading<'a> {
    left: u64,
    until: Instant,
    most: usize,
    is_wanted: &'a dyn Fn(&RecentEvent) -> bool,
    /// The newest is the last.
    events: VecDeque<RecentEvent>,
    is_cut_short: bool,
}

impl Reading<'_> {
    fn is_over(&self) -> bool {
        self.is_cut_short || self.events.len() >= self.most
    }

    fn read_file(&mut self, path: &Path) -> io::Result<()> {
        // To open a pipe may wait for ever.
        if !fs::metadata(path)?.is_file() {
            return Ok(());
        }
        let mut file = File::open(path)?;
        if path.extension().is_some_and(|extension| extension == "gz") {
            let size = size_before_compression(&mut file)?;
            if size > self.left {
                self.is_cut_short = true;
                return Ok(());
            }
            return self.read_lines(GzDecoder::new(file));
        }
        let before = file.metadata()?.len().saturating_sub(self.left);
        file.seek(SeekFrom::Start(before))?;
        // What is left of a line is skipped as a broken one is.
        self.read_lines(file)?;
        self.is_cut_short |= before > 0;
        Ok(())
    }

    fn read_lines(&mut self, lines: impl Read) -> io::Result<()> {
        let room = self.most.saturating_sub(self.events.len());
        let mut of_file = VecDeque::new();
        let mut lines = BufReader::with_capacity(64 * 1024, lines.take(self.left));
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut lines).take(LONGEST_LINE).read_until(b'\n', &mut line);
            // A file that was not compressed to its end is read as far as it goes.
            let count = match read {
                Ok(0) | Err(_) => break,
                Ok(count) => count,
            };
            self.left = self.left.saturating_sub(count as u64);
            if Instant::now() >= self.until {
                self.is_cut_short = true;
                break;
            }
            let Ok(text) = std::str::from_utf8(&line) else {
                continue;
            };
            line::tell(text, &mut |time, event| {
                if let Some(event) = RecentEvent::of(event, time)
                    && (self.is_wanted)(&event)
                {
                    if of_file.len() >= room {
                        of_file.pop_front();
                    }
                    of_file.push_back(event);
                }
            });
        }
        self.is_cut_short |= self.left == 0;
        for event in of_file.into_iter().rev() {
            self.events.push_front(event);
        }
        Ok(())
    }
}

/// As the end of a gzip file says (RFC 1952, section 2.3.1).
fn size_before_compression(file: &mut File) -> io::Result<u64> {
    let mut size = [0; 4];
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut size)?;
    file.rewind()?;
    Ok(u32::from_le_bytes(size).into())
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn login(number: usize) -> String {
        format!(
            "{{\"level\":\"info\",\"sender\":\"login\",\"client_ip\":\"192.0.2.1\",\"username\":\"user{number}\",\"login_type\":\"password\",\"time\":\"2026-01-31T12:00:00.000Z\"}}\n"
        )
    }

    fn logins(numbers: std::ops::Range<usize>) -> String {
        numbers.map(login).collect()
    }

    fn names(past: &PastEvents) -> Vec<&str> {
        past.events.iter().map(RecentEvent::username).collect()
    }

    #[test]
    fn the_newest_come_first_from_the_log_and_what_was_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sftpgo.log");
        let aside = |day, end| {
            let name = format!("sftpgo-2026-01-{day}T12-00-00.000.log{end}");
            directory.path().join(name)
        };
        let mut oldest = GzEncoder::new(
            File::create(aside(10, ".gz")).unwrap(),
            Compression::default(),
        );
        io::copy(&mut logins(0..2).as_bytes(), &mut oldest).unwrap();
        oldest.finish().unwrap();
        fs::write(aside(11, ""), logins(2..4)).unwrap();
        let broken = format!("{{\"sender\":\"login\"\nno JSON\n\n{}{{\"sen", logins(4..6));
        fs::write(&path, broken).unwrap();

        let files = LogFiles::of(path);
        let all = files.last(100, &|_| true).unwrap();
        let expected = ["user5", "user4", "user3", "user2", "user1", "user0"];
        assert_eq!(names(&all), expected);
        assert!(!all.is_cut_short);
        let some = files.last(3, &|_| true).unwrap();
        assert_eq!(names(&some), expected[..3]);
        let one = files.last(100, &|event| event.username() == "user1");
        assert_eq!(names(&one.unwrap()), ["user1"]);
    }

    #[test]
    fn what_is_too_much_is_not_read_and_that_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sftpgo.log");
        let mut file = File::create(&path).unwrap();
        io::copy(&mut login(0).as_bytes(), &mut file).unwrap();
        // A hole: nothing of it is on the disk.
        file.set_len(MOST_BYTES + 1).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        io::copy(&mut format!("\n{}", login(1)).as_bytes(), &mut file).unwrap();
        let past = LogFiles::of(path).last(100, &|_| true).unwrap();
        assert_eq!(names(&past), ["user1"]);
        assert!(past.is_cut_short);
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stdout");
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        let past = LogFiles::of(path).last(100, &|_| true).unwrap();
        assert!(past.events.is_empty());
    }
}
