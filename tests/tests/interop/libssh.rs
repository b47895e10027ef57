//! libssh, of Debian and of the wheel of ssh-python, and the libssh2 of the wheel of ssh2-python. Debian's libssh2 is PHP's.

use std::path::{Path, PathBuf};

use crate::{
    client::{Client, Offer},
    python::{interpret, newest},
};

fn of_wheel(directory: &Path) -> PathBuf {
    directory.join("bin/python")
}

const LIBSSH: Client = Client {
    name: "",
    command: |_| interpret(&newest(), "libssh_client.py"),
    offer: Offer::Defaults,
    without: &[],
    more: &["compression", "rekey", "channels"],
};

const LIBSSH_0_11: Client = Client {
    name: "libssh-0.11",
    command: |directory| interpret(&of_wheel(directory), "libssh_client.py"),
    ..LIBSSH
};

const LIBSSH2_1_11: Client = Client {
    name: "libssh2-1.11",
    command: |directory| interpret(&of_wheel(directory), "libssh2_client.py"),
    // It exchanges keys when the server begins, and not by itself.
    more: &["compression", "channels"],
    ..LIBSSH
};

#[test]
fn libssh_gets_in() {
    LIBSSH.passes();
}

#[test]
fn libssh_uses_what_is_offered_on_request() {
    LIBSSH.passes_on_request(&[]);
}

#[test]
fn libssh_0_11_gets_in() {
    LIBSSH_0_11.passes();
}

#[test]
fn libssh_0_11_uses_what_is_offered_on_request() {
    LIBSSH_0_11.passes_on_request(&[]);
}

#[test]
fn libssh2_1_11_gets_in() {
    LIBSSH2_1_11.passes();
}

#[test]
fn libssh2_1_11_uses_what_is_offered_on_request() {
    LIBSSH2_1_11.passes_on_request(&[]);
}
