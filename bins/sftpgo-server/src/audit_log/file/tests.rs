use std::{fs::OpenOptions, io::BufReader};

use sftpgo_audit::{FileReport, Note, Problem, Verifier};
use tempfile::TempDir;

use super::{end::LONGEST_TAIL, *};

fn path(directory: &TempDir) -> PathBuf {
    directory.path().join("audit.log")
}

fn open(directory: &TempDir) -> ChainFile {
    ChainFile::open(&path(directory), None).unwrap()
}

fn record(name: &str) -> Record {
    Record::new("2026-01-31T12:00:00.000Z", "login").with("username", name)
}

fn add(file: &mut ChainFile, name: &str) {
    file.append(&[record(name)], 0).unwrap();
}

fn key(byte: u8) -> Key {
    Key::of(&[byte; 32]).unwrap()
}

/// All files of the log, the oldest first.
fn verify(directory: &TempDir) -> Vec<FileReport> {
    verify_with(directory, &[])
}

fn verify_with(directory: &TempDir, keys: &[Key]) -> Vec<FileReport> {
    let mut files = logging::files(&path(directory)).unwrap();
    files.reverse();
    let mut verifier = Verifier::new(keys.to_vec());
    let count = files.len();
    let reports = files.iter().enumerate().map(|(index, file)| {
        let lines = BufReader::new(File::open(file).unwrap());
        let head = fs::read(head_of(file)).ok();
        verifier
            .file(lines, head.as_deref(), index + 1 < count)
            .unwrap()
    });
    reports.collect()
}

fn is_good(directory: &TempDir) -> bool {
    verify(directory).iter().all(FileReport::is_good)
}

/// The names in all files, in their order.
fn names(directory: &TempDir) -> String {
    let mut files = logging::files(&path(directory)).unwrap();
    files.reverse();
    let text: String = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let name = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(value["username"].as_str()?.to_owned())
    };
    text.lines().filter_map(name).collect()
}

fn append_bytes(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn a_chain_goes_on_when_the_file_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        let mut file = open(&directory);
        add(&mut file, name);
        file.anchor().unwrap();
    }
    let [report] = &verify(&directory)[..] else {
        panic!("there is one file");
    };
    assert!(report.is_good() && report.notes.is_empty(), "{report:?}");
    assert_eq!((report.lines, names(&directory)), (3, "abc".to_owned()));
}

/// As two servers during a restart without a break.
#[test]
fn two_writers_write_one_chain() {
    let directory = tempfile::tempdir().unwrap();
    let (mut old, mut new) = (open(&directory), open(&directory));
    for round in 0..5 {
        add(&mut old, "o");
        add(&mut new, "n");
        if round == 2 {
            old.rotate().unwrap();
        }
        new.anchor().unwrap();
        old.anchor().unwrap();
    }
    new.rotate().unwrap();
    add(&mut old, "o");
    old.anchor().unwrap();
    let reports = verify(&directory);
    assert!(reports.iter().all(FileReport::is_good), "{reports:?}");
    assert_eq!(reports.len(), 3);
    assert_eq!(names(&directory), "ononononono");
}

#[test]
fn writers_at_the_same_time_write_one_chain() {
    let directory = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut file = open(&directory);
                for _ in 0..50 {
                    file.append(&[record("x")], 4000).unwrap();
                    file.anchor().unwrap();
                }
            });
        }
    });
    assert!(is_good(&directory));
    assert_eq!(names(&directory).len(), 200);
    assert!(verify(&directory).len() > 4);
}

#[test]
fn a_torn_line_is_told_and_the_chain_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = open(&directory);
    add(&mut file, "a");
    file.anchor().unwrap();
    append_bytes(&path(&directory), b"{\"seq\":2,\"time\":\"20");
    drop(file);
    let mut file = open(&directory);
    add(&mut file, "b");
    file.anchor().unwrap();
    let [report] = &verify(&directory)[..] else {
        panic!("there is one file");
    };
    assert!(report.is_good(), "{report:?}");
    assert_eq!(report.notes, [Note::Torn { line: 2 }]);
    assert_eq!(report.lines, 3);
}

#[test]
fn what_another_hand_adds_while_it_is_open_is_found() {
    for added in ["{\"seq\":2}\n", "hello", "\n"] {
        let directory = tempfile::tempdir().unwrap();
        let mut file = open(&directory);
        add(&mut file, "a");
        append_bytes(&path(&directory), added.as_bytes());
        add(&mut file, "b");
        file.anchor().unwrap();
        let [report] = &verify(&directory)[..] else {
            panic!("there is one file");
        };
        let is_added = |finding: &sftpgo_audit::Finding| {
            finding.line == Some(2) && matches!(finding.problem, Problem::NoLine { .. })
        };
        assert!(report.findings.iter().any(is_added), "{report:?}");
    }
}

#[test]
fn a_cut_is_found_while_the_file_is_open_and_after_a_start() {
    for is_open in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let mut file = open(&directory);
        add(&mut file, "a");
        let after_one = fs::metadata(path(&directory)).unwrap().len();
        add(&mut file, "b");
        file.anchor().unwrap();
        let cut = OpenOptions::new()
            .write(true)
            .open(path(&directory))
            .unwrap();
        cut.set_len(after_one).unwrap();
        if !is_open {
            file = open(&directory);
        }
        add(&mut file, "c");
        file.anchor().unwrap();
        let told = Problem::ToldCut {
            found: 1,
            expected: 2,
        };
        let reports = verify(&directory);
        assert!(
            reports[0].findings.iter().any(|one| one.problem == told),
            "{reports:?}"
        );
    }
}

#[test]
fn a_file_that_was_emptied_is_told_after_a_start() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = open(&directory);
    add(&mut file, "a");
    file.anchor().unwrap();
    drop(file);
    fs::remove_file(path(&directory)).unwrap();
    add(&mut open(&directory), "b");
    assert!(!is_good(&directory));
}

fn cut_to(path: &Path, size: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(size).unwrap();
}

fn is_told(reports: &[FileReport], problem: &Problem) -> bool {
    let mut findings = reports.iter().flat_map(|report| &report.findings);
    findings.any(|finding| finding.line.is_some() && finding.problem == *problem)
}

#[test]
fn a_cut_while_it_is_stopped_shows_when_the_head_is_removed_or_changed() {
    for (key, broken) in [
        (None, None),
        (None, Some("{}\n")),
        (Some(key(1)), None),
        // Nobody but who has the key can make an HMAC.
        (Some(key(1)), Some("hmac")),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let head = head_of(&path(&directory));
        let mut file = ChainFile::open(&path(&directory), key.clone()).unwrap();
        add(&mut file, "a");
        let after_one = fs::metadata(path(&directory)).unwrap().len();
        file.anchor().unwrap();
        let forged = fs::read_to_string(&head).unwrap();
        add(&mut file, "b");
        file.anchor().unwrap();
        drop(file);
        cut_to(&path(&directory), after_one);
        match broken {
            None => fs::remove_file(&head).unwrap(),
            Some("hmac") => {
                let (body, _) = forged.split_once(",\"hmac\"").unwrap();
                let forged = format!("{body},\"hmac\":\"{}\"}}\n", "0".repeat(64));
                fs::write(&head, forged).unwrap();
            }
            Some(broken) => fs::write(&head, broken).unwrap(),
        }
        let mut file = ChainFile::open(&path(&directory), key.clone()).unwrap();
        for name in ["c", "d"] {
            add(&mut file, name);
            file.anchor().unwrap();
        }
        let reports = verify_with(&directory, key.as_slice());
        assert!(is_told(&reports, &Problem::ToldHeadless), "{reports:?}");
        assert_eq!(reports[0].findings.len(), 1, "{reports:?}");
    }
}

#[test]
fn a_key_is_switched_on_and_replaced_without_a_finding() {
    let directory = tempfile::tempdir().unwrap();
    let keys = [key(1), key(2)];
    add(&mut open(&directory), "a");
    for (index, key) in keys.iter().enumerate() {
        let known = keys.get(..=index).unwrap();
        let mut file = ChainFile::open(&path(&directory), Some(key.clone())).unwrap();
        let is_good = || {
            let reports = verify_with(&directory, known);
            assert!(reports.iter().all(FileReport::is_good), "{reports:?}");
        };
        is_good();
        add(&mut file, "b");
        is_good();
        file.anchor().unwrap();
        is_good();
    }
    assert_eq!(names(&directory), "abb");
}

#[test]
fn a_cut_shows_when_the_key_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = ChainFile::open(&path(&directory), Some(key(1))).unwrap();
    add(&mut file, "a");
    let after_one = fs::metadata(path(&directory)).unwrap().len();
    add(&mut file, "b");
    file.anchor().unwrap();
    drop(file);
    cut_to(&path(&directory), after_one);
    let mut file = ChainFile::open(&path(&directory), Some(key(2))).unwrap();
    add(&mut file, "c");
    file.anchor().unwrap();
    let told = Problem::ToldCut {
        found: 1,
        expected: 2,
    };
    let reports = verify_with(&directory, &[key(1), key(2)]);
    assert!(is_told(&reports, &told), "{reports:?}");
}

#[test]
fn a_torn_line_is_told_in_its_own_file() {
    for by_signal in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let mut file = open(&directory);
        add(&mut file, "a");
        file.anchor().unwrap();
        drop(file);
        append_bytes(&path(&directory), b"{\"seq\":2,\"time\":\"20");
        let mut file = open(&directory);
        if by_signal {
            file.rotate().unwrap();
            add(&mut file, "b");
        } else {
            file.append(&[record("b")], 300).unwrap();
        }
        file.anchor().unwrap();
        let reports = verify(&directory);
        assert!(reports.iter().all(FileReport::is_good), "{reports:?}");
        assert_eq!(reports.len(), 2);
        assert_eq!(reports[0].notes, [Note::Torn { line: 2 }]);
    }
}

/// Wherever a crash cuts what is written last, in a new file or behind other lines.
#[test]
fn lines_that_are_torn_anywhere_are_no_finding() {
    for before in [0, 1] {
        let directory = tempfile::tempdir().unwrap();
        let mut file = open(&directory);
        for _ in 0..before {
            add(&mut file, "a");
        }
        file.anchor().unwrap();
        let head = fs::read(head_of(&path(&directory))).unwrap();
        let start = fs::metadata(path(&directory)).unwrap().len();
        file.append(&[record("b"), record("c")], 0).unwrap();
        drop(file);
        let bytes = fs::read(path(&directory)).unwrap();
        for at in usize::try_from(start).unwrap()..bytes.len() {
            fs::write(path(&directory), &bytes[..at]).unwrap();
            fs::write(head_of(&path(&directory)), &head).unwrap();
            add(&mut open(&directory), "d");
            let mut file = open(&directory);
            add(&mut file, "e");
            file.anchor().unwrap();
            let [report] = &verify(&directory)[..] else {
                panic!("there is one file");
            };
            assert!(report.is_good(), "{at}: {report:?}");
            let is_whole = at == start as usize || bytes[at - 1] == b'\n' || bytes[at] == b'\n';
            assert_eq!(report.notes.is_empty(), is_whole, "{at}: {report:?}");
        }
    }
}

#[test]
fn an_empty_file_goes_on_where_its_head_says_when_older_ones_are_elsewhere() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = open(&directory);
    add(&mut file, "a");
    file.rotate().unwrap();
    drop(file);
    let aside = logging::files(&path(&directory)).unwrap().remove(1);
    fs::remove_file(aside).unwrap();
    add(&mut open(&directory), "b");
    let [report] = &verify(&directory)[..] else {
        panic!("there is one file");
    };
    assert!(report.is_good(), "{report:?}");
    assert_eq!(report.notes[0], Note::StartsAt(2));
}

#[test]
fn the_search_for_a_last_line_is_bounded() {
    let file = tempfile::tempfile().unwrap();
    let size = LONGEST_TAIL + 1024;
    file.set_len(size).unwrap();
    let end = End::of(&file, size, None).unwrap();
    assert_eq!((end.last, end.rest.len() as u64), (None, LONGEST_TAIL));
}

#[test]
fn a_full_file_is_put_aside_with_its_head() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = open(&directory);
    for name in ["a", "b", "c"] {
        file.append(&[record(name)], 300).unwrap();
        file.anchor().unwrap();
    }
    let files = logging::files(&path(&directory)).unwrap();
    assert_eq!(files.len(), 3);
    let reports = verify(&directory);
    assert!(
        reports
            .iter()
            .all(|report| report.is_good() && report.notes.is_empty()),
        "{reports:?}"
    );
    let aside = &files[1];
    assert!(head_of(aside).exists());
    // Without it the file that follows tells of the end.
    fs::remove_file(head_of(aside)).unwrap();
    assert!(is_good(&directory));
    fs::remove_file(aside).unwrap();
    assert!(!is_good(&directory));
}

/// As logrotate does it.
#[test]
fn a_file_that_was_moved_is_followed_by_a_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = open(&directory);
    add(&mut file, "a");
    let aside = logging::name_aside(&path(&directory), Timestamp::now());
    fs::rename(path(&directory), aside).unwrap();
    add(&mut file, "b");
    file.anchor().unwrap();
    let reports = verify(&directory);
    assert!(reports.iter().all(FileReport::is_good), "{reports:?}");
    assert_eq!((reports.len(), names(&directory)), (2, "ab".to_owned()));
}

/// A crash between two steps of putting a file aside.
#[test]
fn a_start_goes_on_behind_what_was_put_aside_last() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = open(&directory);
    add(&mut file, "a");
    file.anchor().unwrap();
    add(&mut file, "b");
    drop(file);
    let aside = logging::name_aside(&path(&directory), Timestamp::now());
    fs::rename(path(&directory), aside).unwrap();
    let mut file = open(&directory);
    add(&mut file, "c");
    file.anchor().unwrap();
    assert!(is_good(&directory));
    assert_eq!(names(&directory), "abc");
}

#[test]
fn nothing_is_lost_or_torn_where_the_disk_is_full() {
    let directory = tempfile::tempdir().unwrap();
    let mut file = open(&directory);
    add(&mut file, "a");
    let aside = logging::name_aside(&path(&directory), Timestamp::now());
    fs::rename(path(&directory), aside).unwrap();
    std::os::unix::fs::symlink("/dev/full", path(&directory)).unwrap();
    for _ in 0..3 {
        let error = file.append(&[record("a")], 0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
    fs::remove_file(path(&directory)).unwrap();
    add(&mut file, "a");
    file.anchor().unwrap();
    let reports = verify(&directory);
    assert!(reports.iter().all(FileReport::is_good), "{reports:?}");
    assert_eq!(names(&directory), "aa");
}
