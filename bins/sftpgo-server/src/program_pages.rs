//! Pages of the program's own file that its start needed and nothing needs afterwards.
//!
//! The system maps sixteen pages around each that is used, which come to three quarters of a small server's memory, and takes
//! them back only when memory is short. They are in its cache of files all the same, from where they are mapped again when they
//! are used.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, path::Path};

/// Gives the pages back.
#[allow(
    unsafe_code,
    reason = "pages go back to the system by a call of the C library"
)]
pub(crate) fn give_back() {
    let (Ok(program), Ok(mappings)) = (
        fs::read_link("/proc/self/exe"),
        fs::read("/proc/self/smaps"),
    ) else {
        return;
    };
    for mapping in unwritten(&mappings, &program) {
        let start = std::ptr::with_exposed_provenance_mut(mapping.start);
        // SAFETY: the range is a private mapping of the program's file that cannot be written and has no page that was: each
        // page comes back from the file with what it has now, also those that are running.
        unsafe { libc::madvise(start, mapping.len, libc::MADV_DONTNEED) };
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Mapping {
    start: usize,
    len: usize,
}

/// Private mappings of `program` that are for reading or running only and have all their pages from the file, of what
/// smaps (proc_pid_smaps(5)) says.
fn unwritten(smaps: &[u8], program: &Path) -> Vec<Mapping> {
    let mut found = Vec::new();
    let mut candidate = None;
    for line in smaps.split(|byte| *byte == b'\n') {
        if let Some((mapping, permissions, path)) = header(line) {
            let is_unwritable = matches!(permissions, b"r-xp" | b"r--p");
            candidate = (is_unwritable && path == program).then_some(mapping);
        } else if let Some(size) = line.strip_prefix(b"Anonymous:") {
            // What was relocated was written before it was protected.
            let is_of_file = size.trim_ascii() == b"0 kB";
            found.extend(candidate.take().filter(|_| is_of_file));
        }
    }
    found
}

/// The first line of a mapping: range, permissions, offset, device, inode, path.
fn header(line: &[u8]) -> Option<(Mapping, &[u8], &Path)> {
    let mut fields = line.splitn(6, |byte| *byte == b' ');
    let range = std::str::from_utf8(fields.next()?).ok()?;
    let (start, end) = range.split_once('-')?;
    let start = usize::from_str_radix(start, 16).ok()?;
    let len = usize::from_str_radix(end, 16).ok()?.checked_sub(start)?;
    let permissions = fields.next()?;
    let path = fields.nth(3)?.trim_ascii_start();
    Some((
        Mapping { start, len },
        permissions,
        Path::new(OsStr::from_bytes(path)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_private_mappings_of_the_program_that_were_never_written_are_found() {
        let smaps = b"\
1000-3000 r--p 00000000 fe:00 42                 /a program
Rss:                   8 kB
Anonymous:             0 kB
3000-5000 r-xp 00002000 fe:00 42                 /a program
Anonymous:             0 kB
AnonHugePages:         0 kB
5000-6000 r--p 00004000 fe:00 42                 /a program
Anonymous:             4 kB
6000-7000 rw-p 00005000 fe:00 42                 /a program
Anonymous:             0 kB
7000-8000 r--s 00005000 fe:00 42                 /a program
Anonymous:             0 kB
8000-9000 r-xp 00000000 fe:00 43                 /a library
Anonymous:             0 kB
9000-a000 rw-p 00000000 00:00 0 
Anonymous:             0 kB
a000-b000 r-xp 00000000 00:00 0                  [vdso]
Anonymous:             0 kB
";
        let found = unwritten(smaps, Path::new("/a program"));
        let range = |start, len| Mapping { start, len };
        assert_eq!(found, [range(0x1000, 0x2000), range(0x3000, 0x2000)]);
    }

    /// Resident pages of what [`unwritten`] finds in this process, in KiB.
    fn resident() -> usize {
        let program = fs::read_link("/proc/self/exe").unwrap();
        let smaps = fs::read("/proc/self/smaps").unwrap();
        let starts: Vec<_> = unwritten(&smaps, &program)
            .iter()
            .map(|mapping| mapping.start)
            .collect();
        let text = String::from_utf8(smaps).unwrap();
        let mut counts = false;
        let mut sum = 0;
        for line in text.lines() {
            if let Some((mapping, ..)) = header(line.as_bytes()) {
                counts = starts.contains(&mapping.start);
            } else if let Some(size) = line.strip_prefix("Rss:").filter(|_| counts) {
                let size = size.trim().trim_end_matches(" kB");
                sum += size.parse::<usize>().unwrap();
            }
        }
        sum
    }

    #[test]
    fn the_pages_leave_memory_and_come_back_when_they_are_used() {
        let before = resident();
        give_back();
        let after = resident();
        assert!(after < before, "{after} KiB after {before}");
    }
}
