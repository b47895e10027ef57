//! Each target over its seeds and its corpus, and over what some mutations make of them.
//!
//! `SFTPGO_TEST_ROUNDS` asks for more of them, `SFTPGO_TEST_SEED` for others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says on what"
)]

use std::{env, fs, ops::Range, path::Path, thread};

/// About the longest input that is made here.
const MOST: usize = 4096;

/// Bytes at which readers behave differently.
const TELLING: [&[u8]; 12] = [
    b"\0",
    b"\xff",
    b"\n",
    b"/",
    b"..",
    b"*",
    b"'",
    b"$",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"9223372036854775808",
];

macro_rules! targets {
    ($($target:ident: $rounds:literal,)*) => {$(
        #[test]
        fn $target() {
            run(stringify!($target), sftpgo_fuzz::$target, $rounds);
        }
    )*};
}

// Where each input has a home of its own on the disk, fewer of them fit into some seconds.
targets! {
    audit_log: 5000,
    authorized_keys: 5000,
    command_line: 5000,
    dump: 5000,
    password_hash: 5000,
    proxy_header: 5000,
    rest_user: 5000,
    scp_message: 5000,
    sftp_codec: 5000,
    sftp_engine: 800,
    ssh_channels: 2000,
    ssh_encrypted: 2000,
    ssh_identification: 5000,
    ssh_inflate: 5000,
    ssh_kexinit: 5000,
    ssh_key: 2000,
    ssh_login: 2000,
    ssh_phases: 2000,
    ssh_program: 800,
    ssh_revocation_list: 5000,
    virtual_path: 5000,
}

fn run(name: &str, target: fn(&[u8]), rounds: u64) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directories = ["seeds", "corpus"].map(|kind| here.join(kind).join(name));
    let mut paths: Vec<_> = directories
        .iter()
        .filter(|directory| directory.exists())
        .flat_map(|directory| fs::read_dir(directory).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let seeds: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    for seed in &seeds {
        tried(target, seed);
    }
    let mut random = Random(number("SFTPGO_TEST_SEED", 1) | 1);
    for _ in 0..number("SFTPGO_TEST_ROUNDS", rounds) {
        tried(target, &mutated(&seeds, &mut random));
    }
}

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |value| value.parse().expect("a number"))
}

fn tried(target: fn(&[u8]), input: &[u8]) {
    struct Shown<'a>(&'a [u8]);
    impl Drop for Shown<'_> {
        fn drop(&mut self) {
            if thread::panicking() {
                eprintln!("the input was b\"{}\"", self.0.escape_ascii());
            }
        }
    }
    let _shown = Shown(input);
    target(input);
}

/// One of the seeds, changed in a few places.
fn mutated(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        let place = random.range(&input);
        match random.below(6) {
            0 => drop(input.drain(place)),
            1 => {
                let again = input[place.clone()].to_vec();
                input.splice(place.start..place.start, again);
            }
            2 => {
                let other = &seeds[random.below(seeds.len())];
                let piece = other[random.range(other)].to_vec();
                input.splice(place, piece);
            }
            3 => drop(input.splice(place, TELLING[random.below(TELLING.len())].iter().copied())),
            4 => input[place]
                .iter_mut()
                .for_each(|byte| *byte ^= 1 << random.below(8)),
            _ => input[place]
                .iter_mut()
                .for_each(|byte| *byte = random.below(256) as u8),
        }
    }
    input.truncate(MOST);
    input
}

/// Numbers by xorshift.
struct Random(u64);

impl Random {
    /// The next number, below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % limit
    }

    /// A place within `bytes`, short as a rule.
    fn range(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.below(bytes.len() + 1);
        let most = if self.below(4) == 0 { bytes.len() } else { 4 };
        let len = self.below(most + 1);
        start..(start + len).min(bytes.len())
    }
}
