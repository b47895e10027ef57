//! Files to transfer, and their comparison.

use std::{fs, path::Path, process::Command};

use crate::{Server, run};

/// Bytes that repeat nowhere near a block size.
pub fn noise(len: usize) -> Vec<u8> {
    noise_of(0x9e37_79b9_7f4a_7c15, len)
}

/// [`noise`] that is another for another seed, which must not be 0.
pub fn noise_of(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .flatten()
    .take(len)
    .collect()
}

/// Two files hold the same.
#[track_caller]
pub fn assert_same(a: &Path, b: &Path) {
    assert!(
        fs::read(a).unwrap() == fs::read(b).unwrap(),
        "{} and {} differ",
        a.display(),
        b.display()
    );
}

/// Makes `tree` in the server's directory: directories in directories, empty files, names with spaces.
pub fn make_tree(server: &Server) {
    for directory in ["a", "a/b", "c", "empty"] {
        let directory = server.path("tree").join(directory);
        fs::create_dir_all(&directory).unwrap();
        if directory.ends_with("empty") {
            continue;
        }
        for size in [0, 1, 5000, 70_000] {
            fs::write(directory.join(format!("file {size}")), noise(size)).unwrap();
        }
    }
}

/// Two trees of the server's directory hold the same.
#[track_caller]
pub fn assert_same_trees(server: &Server, a: &str, b: &str) {
    run(server, Command::new("diff").args(["-r", a, b])).assert_ok();
}

/// Makes 5,000 empty files `f0000` to `f4999` in a directory that it makes too.
pub fn make_5000_names(directory: &Path) {
    fs::create_dir_all(directory).unwrap();
    for number in 0..5000 {
        fs::write(directory.join(format!("f{number:04}")), "").unwrap();
    }
}

/// Each of the names of [`make_5000_names`] is the end of one line of this listing.
#[track_caller]
pub fn assert_5000_names(listing: &str) {
    let mut names: Vec<_> = listing
        .lines()
        .filter_map(|line| line.trim_end().rsplit([' ', '/']).next())
        .filter(|name| name.len() == 5 && name.starts_with('f'))
        .collect();
    names.sort_unstable();
    let expected = (0..5000).map(|number| format!("f{number:04}"));
    assert!(
        expected.eq(names.iter().copied()),
        "{} names are listed",
        names.len()
    );
}
