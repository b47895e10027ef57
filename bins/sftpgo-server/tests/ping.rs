//! `ping` and `initprovider`, as containers and packages use them.

mod common;

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    time::{Duration, Instant},
};

use common::{Ended, Server, free_address, run};
use rustix::process::Signal;

fn ping(directory: &Path, rest: SocketAddr) -> Ended {
    let variables = [
        ("SFTPGO_HTTPD__BIND_ADDRESS", rest.ip().to_string()),
        ("SFTPGO_HTTPD__BIND_PORT", rest.port().to_string()),
        // Nothing between this machine and itself is asked.
        ("http_proxy", "http://192.0.2.1:1".to_owned()),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    run(directory, &["ping"], &variables)
}

#[test]
fn ping_tells_a_server_that_answers_from_one_that_is_gone() {
    let mut server = Server::start(&[]);
    let asked = ping(server.directory.path(), server.rest);
    assert_eq!((asked.code, asked.stdout.as_str()), (Some(0), "ok\n"));
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_end(), Some(0));
    let asked = ping(server.directory.path(), server.rest);
    assert_eq!(asked.code, Some(1));
    assert!(asked.stderr.contains("does not answer"), "{}", asked.stderr);
}

#[test]
fn ping_waits_3_seconds_at_the_most() {
    let directory = tempfile::tempdir().unwrap();
    let silent = TcpListener::bind((free_address().ip(), 0)).unwrap();
    let started = Instant::now();
    let asked = ping(directory.path(), silent.local_addr().unwrap());
    assert_eq!(asked.code, Some(1), "{}", asked.stdout);
    let took = started.elapsed();
    assert!(
        (Duration::from_secs(2)..Duration::from_secs(6)).contains(&took),
        "{took:?}"
    );
}

#[test]
fn ping_of_what_cannot_be_asked_says_why() {
    let directory = tempfile::tempdir().unwrap();
    for (variable, value, reason) in [
        ("SFTPGO_HTTPD__BIND_PORT", "0", "there is nobody to ask"),
        ("SFTPGO_SFTPD__UMASK", "x", "sftpd.umask"),
    ] {
        let asked = run(directory.path(), &["ping"], &[(variable, value)]);
        assert_eq!(asked.code, Some(1));
        assert!(asked.stderr.contains(reason), "{}", asked.stderr);
    }
}

#[test]
fn ping_of_another_server_is_a_failure() {
    use std::io::{Read, Write};
    let directory = tempfile::tempdir().unwrap();
    let other = TcpListener::bind((free_address().ip(), 0)).unwrap();
    let address = other.local_addr().unwrap();
    let answering = std::thread::spawn(move || {
        let (mut client, _) = other.accept().unwrap();
        let _ = client.read(&mut [0; 1024]).unwrap();
        let _ = client.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    });
    let asked = ping(directory.path(), address);
    answering.join().unwrap();
    assert_eq!(asked.code, Some(1));
    assert!(asked.stderr.contains("404"), "{}", asked.stderr);
}

#[test]
#[cfg(feature = "sqlite")]
fn initprovider_makes_the_database_and_does_nothing_the_second_time() {
    let directory = tempfile::tempdir().unwrap();
    let made = run(directory.path(), &["initprovider"], &[]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert!(made.stdout.contains("create_users"), "{}", made.stdout);
    assert!(directory.path().join("sftpgo.db").exists());
    let again = run(directory.path(), &["initprovider"], &[]);
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (Some(0), "the database is up to date\n")
    );
}

#[test]
#[cfg(feature = "sqlite")]
fn initprovider_fails_where_there_can_be_no_database_and_has_nothing_to_do_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let driver = "SFTPGO_DATA_PROVIDER__DRIVER";
    let memory = run(directory.path(), &["initprovider"], &[(driver, "memory")]);
    assert_eq!(memory.code, Some(0), "{}", memory.stderr);
    let missing = [("SFTPGO_DATA_PROVIDER__NAME", "missing/users.db")];
    let failed = run(directory.path(), &["initprovider"], &missing);
    assert_eq!(failed.code, Some(1), "{}", failed.stdout);
    assert!(
        failed.stderr.contains("data_provider.name"),
        "{}",
        failed.stderr
    );
}
