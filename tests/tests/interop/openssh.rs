//! OpenSSH's client: all combinations of algorithms, compression, and rekeys with data in flight.

use std::{fs, process::Command, sync::Mutex, thread};

use sftpgo_e2e::{Server, run, sftp, ssh_options};

use crate::{
    algorithms::{AGREED, Algorithms, CIPHERS, HOST_KEYS, KEX, MACS},
    client::{start, start_with_everything},
};

/// A key exchange, a cipher, a MAC unless the cipher is one itself, and a host key.
type Combination = [Option<&'static str>; 4];

/// The option of OpenSSH and the list that `ssh -Q` gives, for each of [`AGREED`].
const OPTIONS: [(&str, &str); 4] = [
    ("KexAlgorithms", "kex"),
    ("Ciphers", "cipher"),
    ("MACs", "mac"),
    ("HostKeyAlgorithms", "HostKeyAlgorithms"),
];

#[test]
fn every_combination_of_the_defaults_carries_a_transfer() {
    let server = start(&[]);
    let all = product(|list| list.defaults.to_vec());
    // Without post-quantum exchanges, which Debian's OpenSSH does not have.
    assert!(all.len() >= 400, "{}", all.len());
    transfer_with_each(&server, &all);
}

#[test]
fn every_pair_of_all_algorithms_carries_a_transfer() {
    let server = start_with_everything();
    let pairs = pairwise(product(Algorithms::all));
    assert!(pairs.len() >= 100, "{}", pairs.len());
    transfer_with_each(&server, &pairs);
}

#[test]
fn keys_are_exchanged_each_mebibyte_both_ways() {
    let server = start(&[]);
    // One of each kind; the others are carried by other clients.
    for cipher in [
        "aes128-gcm@openssh.com",
        "chacha20-poly1305@openssh.com",
        "aes256-ctr",
    ] {
        moves_a_file(
            &server,
            &["-oRekeyLimit=1M", &format!("-oCiphers={cipher}")],
        );
    }
}

#[test]
fn compression_survives_rekeys() {
    let server = start(&[]);
    fs::write(server.path("big"), "compressible ".repeat(1 << 20)).unwrap();
    moves_a_file(&server, &["-oCompression=yes", "-oRekeyLimit=1M"]);
}

/// By hand: `./test -p sftpgo-e2e --test interop -- --ignored`, some minutes.
#[test]
#[ignore = "moves 3 GiB both ways"]
fn keys_are_exchanged_each_mebibyte_of_three_gibibytes() {
    let server = start(&[]);
    let file = fs::File::create(server.path("big")).unwrap();
    file.set_len(3 << 30).unwrap();
    moves_a_file(&server, &["-oRekeyLimit=1M"]);
}

/// Every wrong password of three, and a right one, are of one connection.
#[test]
fn a_wrong_password_is_asked_for_again() {
    let server = start(&[]);
    for method in ["password", "keyboard-interactive"] {
        let askpass = server.path("askpass");
        let script =
            "#!/bin/sh\nif [ -e again ]; then echo secret; else touch again; echo wrong; fi\n";
        fs::write(&askpass, script).unwrap();
        run(&server, Command::new("chmod").args(["700", "askpass"])).assert_ok();
        let method = format!("-oPreferredAuthentications={method}");
        let options = ["-oNumberOfPasswordPrompts=3", &method];
        sftp(&server, "bob", &options, "put data\n").assert_ok();
        fs::remove_file(server.path("again")).unwrap();
    }
}

/// OpenSSH shows each key before it signs, and asks for the password when none is known.
#[test]
fn keys_that_nobody_knows_come_before_the_one_that_is_known_and_before_the_password() {
    let server = start(&[]);
    let strangers = [
        "-ikeys/other-ed25519",
        "-ikeys/other-ecdsa",
        "-ikeys/other-rsa",
    ];
    for (last, method) in [
        ("-ikeys/rsa", "publickey"),
        ("-ikeys/other-rsa", "publickey,password"),
    ] {
        let method = format!("-oPreferredAuthentications={method}");
        let options: Vec<_> = strangers
            .into_iter()
            .chain([last, &method, "-oIdentitiesOnly=yes"])
            .collect();
        sftp(&server, "bob", &options, "put data\n").assert_ok();
    }
}

#[track_caller]
fn moves_a_file(server: &Server, options: &[&str]) {
    sftp(server, "bob", options, "put big\nget big back\n").assert_ok();
    run(server, Command::new("cmp").args(["big", "back"])).assert_ok();
    fs::remove_file(server.path("back")).unwrap();
}

/// Every combination of what both sides have.
fn product(names: fn(&Algorithms) -> Vec<&'static str>) -> Vec<Combination> {
    let known = OPTIONS.map(|(_, list)| {
        let asked = Command::new("ssh").args(["-Q", list]).output().unwrap();
        String::from_utf8(asked.stdout).unwrap()
    });
    let both = |list: &Algorithms| {
        let index = AGREED
            .iter()
            .position(|other| other.kind == list.kind)
            .unwrap();
        let mut names = names(list);
        names.retain(|name| known[index].lines().any(|line| line == *name));
        names
    };
    let mut all = Vec::new();
    let macs: Vec<_> = both(&MACS).into_iter().map(Some).collect();
    for cipher in both(&CIPHERS) {
        let is_aead = cipher.contains("gcm") || cipher.contains("poly1305");
        for mac in if is_aead { &[None][..] } else { &macs } {
            for kex in both(&KEX) {
                for host_key in both(&HOST_KEYS) {
                    all.push([Some(kex), Some(cipher), *mac, Some(host_key)]);
                }
            }
        }
    }
    all
}

/// So many of these combinations that each two names that occur together in one do so in one of them.
fn pairwise(all: Vec<Combination>) -> Vec<Combination> {
    let mut seen = std::collections::HashSet::new();
    // From all over, so that one brings several pairs.
    let step = 7919 % all.len();
    let order = (0..all.len()).map(|index| all[index * step % all.len()]);
    let spread: Vec<_> = order.chain(all.iter().copied()).collect();
    spread
        .into_iter()
        .filter(|combination| {
            let mut brings = 0;
            for (place, name) in combination.iter().enumerate() {
                for other in combination.iter().skip(place + 1) {
                    brings += usize::from(seen.insert((*name, *other)));
                }
            }
            brings > 0
        })
        .collect()
}

/// Puts and gets a file with each combination, four at once.
#[track_caller]
fn transfer_with_each(server: &Server, combinations: &[Combination]) {
    let left = Mutex::new(combinations.iter().enumerate());
    let failed = Mutex::new(Vec::new());
    fs::write(server.path("small"), sftpgo_e2e::noise(100_000)).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((number, combination)) = left.lock().unwrap().next() else {
                        return;
                    };
                    if let Err(why) = transfer(server, number, combination) {
                        failed
                            .lock()
                            .unwrap()
                            .push(format!("{combination:?}: {why}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "{} of {} combinations fail:\n{}",
        failed.len(),
        combinations.len(),
        failed.join("\n")
    );
}

fn transfer(server: &Server, number: usize, combination: &Combination) -> Result<(), String> {
    let batch = format!("batch{number}");
    let back = format!("back{number}");
    let commands = format!("put small {number}\nls {number}\nget {number} {back}\nrm {number}\n");
    fs::write(server.path(&batch), commands).unwrap();
    let mut sftp = Command::new("sftp");
    sftp.args(["-b", &batch, "-ikeys/ed25519", "-oIdentitiesOnly=yes"])
        .args(["-P", &server.sftp_port.to_string()])
        .args(ssh_options());
    for ((option, _), name) in OPTIONS.iter().zip(combination) {
        if let Some(name) = name {
            sftp.arg(format!("-o{option}={name}"));
        }
    }
    let outcome = run(server, sftp.arg("bob@127.0.0.1"));
    if !outcome.ok {
        return Err(outcome.text);
    }
    let same = fs::read(server.path(&back)).ok() == fs::read(server.path("small")).ok();
    fs::remove_file(server.path(&back)).unwrap();
    fs::remove_file(server.path(&batch)).unwrap();
    same.then_some(())
        .ok_or_else(|| "the file came back changed".to_owned())
}
