//! The `ls -l` line of a directory entry, which clients show as it is.

use std::io::Write;

use sftpgo_core::filesystem::{DirEntry, FileType};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAY: i64 = 86_400;
/// Older or later entries show the year instead of the time of day, as `ls` has it.
const HALF_A_YEAR: i64 = 182 * DAY;

/// Writes the line for `entry` into `line`; times are UTC, seen at `now` (Unix seconds).
pub(super) fn write(line: &mut Vec<u8>, entry: &DirEntry, now: i64) {
    let metadata = &entry.metadata;
    line.clear();
    line.push(match metadata.file_type {
        FileType::Directory => b'd',
        FileType::Symlink => b'l',
        FileType::File => b'-',
        FileType::Other => special(metadata.mode),
    });
    for (position, letter) in b"rwxrwxrwx".iter().enumerate() {
        line.push(if metadata.mode & (0o400 >> position) == 0 {
            b'-'
        } else {
            *letter
        });
    }
    let (date, time) = (Date::of(metadata.mtime), metadata.mtime.rem_euclid(DAY));
    let month = MONTHS.get(date.month).copied().unwrap_or("???");
    // Writing to a Vec does not fail.
    let _ = write!(
        line,
        " {:>4} {:<8} {:<8} {:>8} {month} {:>2} ",
        metadata.links, metadata.uid, metadata.gid, metadata.size, date.day
    );
    let _ = if (now - metadata.mtime).abs() < HALF_A_YEAR {
        write!(line, "{:02}:{:02} ", time / 3600, time % 3600 / 60)
    } else {
        write!(line, "{:>5} ", date.year)
    };
    line.extend_from_slice(&entry.name);
}

fn special(mode: u32) -> u8 {
    match mode & 0o170_000 {
        0o010_000 => b'p',
        0o140_000 => b's',
        0o020_000 => b'c',
        0o060_000 => b'b',
        _ => b'?',
    }
}

struct Date {
    year: i64,
    /// The month, from 0.
    month: usize,
    day: i64,
}

impl Date {
    /// The civil date of Unix seconds: whole 400-year cycles, then years that start in March.
    fn of(seconds: i64) -> Self {
        let days = seconds.div_euclid(DAY) + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = (month_from_march + 2) % 12;
        Self {
            year: year_of_era + era * 400 + i64::from(month < 2),
            month: usize::try_from(month).unwrap_or(0),
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use sftpgo_core::filesystem::{FileId, Metadata};

    use super::*;

    fn line(mtime: i64, now: i64) -> String {
        let metadata = Metadata {
            file_type: FileType::File,
            mode: 0o100_640,
            size: 12,
            uid: 1,
            gid: 2,
            atime: 0,
            mtime,
            changed_at: (0, 0),
            links: 1,
            file_id: FileId::new(0, 0),
        };
        let mut line = Vec::new();
        write(
            &mut line,
            &DirEntry {
                name: b"a b".to_vec(),
                metadata,
            },
            now,
        );
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_recent_file_shows_its_time() {
        assert_eq!(
            line(1_700_000_000, 1_700_000_100),
            "-rw-r-----    1 1        2              12 Nov 14 22:13 a b"
        );
    }

    #[test]
    fn an_old_file_shows_its_year() {
        assert_eq!(
            line(951_782_400, 1_700_000_100),
            "-rw-r-----    1 1        2              12 Feb 29  2000 a b"
        );
        assert_eq!(
            line(0, 1_700_000_100),
            "-rw-r-----    1 1        2              12 Jan  1  1970 a b"
        );
    }
}
