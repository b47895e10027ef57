use std::fs::OpenOptions;

use sftpgo_audit::{FileReport, Note, Problem, Verifier};
use tempfile::TempDir;

use super::*;

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

/// All files of the log, the oldest first.
fn verify(directory: &TempDir) -> Vec<FileReport> {
    let mut files = logging::files(&path(directory)).unwrap();
    files.reverse();
    let mut verifier = Verifier::new(Vec::new());
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
