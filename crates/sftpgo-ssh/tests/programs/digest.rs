//! `md5sum` and its sisters, `cd` and `pwd`.

use std::{fs, os::unix::ffi::OsStringExt, process::Command};

use super::connection::Connection;

const SUMS: [&str; 5] = ["md5sum", "sha1sum", "sha256sum", "sha384sum", "sha512sum"];

#[test]
fn files_are_summed_as_by_the_system() {
    let connection = Connection::new();
    connection.write("empty", "");
    connection.write("a b", &"0123456789".repeat(50_000));
    connection.write("back\\slash", "x");
    connection.write("new\nline", "y");
    let names = ["empty", "a b", "back\\slash", "new\nline"];
    let quoted: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    for sum in SUMS {
        let expected = Command::new(sum)
            .args(names)
            .current_dir(connection.service.home())
            .output()
            .unwrap();
        let mut program = connection.start(&format!("{sum} {}", quoted.join(" ")));
        assert_eq!(program.end(), (expected.stdout, 0), "{sum}");
        assert_eq!(program.stderr(), "");
    }
    assert!(connection.transfers().is_empty());
}

#[test]
fn without_a_name_standard_input_is_summed_to_its_end() {
    let connection = Connection::new();
    for line in ["md5sum", "md5sum -", "md5sum -- -"] {
        let mut program = connection.start(line);
        assert_eq!(program.send(b"ab"), b"");
        assert_eq!(program.send(b"c\n"), b"");
        let (sum, status) = program.end();
        assert_eq!(sum, b"0bee89b07a248e27c83fc3d5951213c1  -\n", "{line}");
        assert_eq!(status, 0);
    }
    let (sum, _) = connection.start("sha1sum").end();
    assert_eq!(sum, b"da39a3ee5e6b4b0d3255bfef95601890afd80709  -\n");
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_summed() {
    let connection = Connection::new();
    connection.write("f", "");
    fs::create_dir(connection.path("d")).unwrap();
    fs::write(
        connection
            .service
            .home()
            .join(std::ffi::OsString::from_vec(b"\xff".to_vec())),
        "",
    )
    .unwrap();
    let mut program = connection.start("md5sum none d ../../etc/passwd f");
    let (sum, status) = program.end();
    assert_eq!(sum, b"d41d8cd98f00b204e9800998ecf8427e  f\n");
    assert_eq!(status, 1);
    assert_eq!(
        program.stderr(),
        "md5sum: none: No such file or directory\nmd5sum: d: Is a directory\nmd5sum: ../../etc/passwd: No such file or directory\n"
    );
    let mut program = connection.start("md5sum --check f");
    assert_eq!(program.end(), (vec![], 1));
    assert!(program.stderr().contains("--check"));
}

#[test]
fn download_is_needed() {
    let connection = Connection::allowed(&["list", "upload"]);
    connection.write("f", "");
    let mut program = connection.start("sha256sum f");
    assert_eq!(program.end(), (vec![], 1));
    assert_eq!(
        program.stderr(),
        "sha256sum: f: Permission denied: needs download\n"
    );
}

#[test]
fn the_place_is_always_the_root() {
    let connection = Connection::new();
    assert_eq!(connection.start("cd d").end(), (vec![], 0));
    assert_eq!(connection.start("pwd").end(), (b"/\n".to_vec(), 0));
}
