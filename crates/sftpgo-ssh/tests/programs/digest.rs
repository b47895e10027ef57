//! `md5sum` and its sisters, `cd` and `pwd`.

use std::{fs, os::unix::ffi::OsStringExt, process::Command};

use super::world::World;

const SUMS: [&str; 5] = ["md5sum", "sha1sum", "sha256sum", "sha384sum", "sha512sum"];

#[test]
fn files_are_summed_as_by_the_system() {
    let world = World::new();
    world.write("empty", "");
    world.write("a b", &"0123456789".repeat(50_000));
    world.write("back\\slash", "x");
    world.write("new\nline", "y");
    let names = ["empty", "a b", "back\\slash", "new\nline"];
    let quoted: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    for sum in SUMS {
        let expected = Command::new(sum)
            .args(names)
            .current_dir(world.home.path())
            .output()
            .unwrap();
        let mut program = world.start(&format!("{sum} {}", quoted.join(" ")));
        assert_eq!(program.end(), (expected.stdout, 0), "{sum}");
        assert_eq!(program.stderr(), "");
    }
    assert!(world.ended.lock().unwrap().is_empty());
}

#[test]
fn without_a_name_standard_input_is_summed_to_its_end() {
    let world = World::new();
    for line in ["md5sum", "md5sum -", "md5sum -- -"] {
        let mut program = world.start(line);
        assert_eq!(program.send(b"ab"), b"");
        assert_eq!(program.send(b"c\n"), b"");
        let (sum, status) = program.end();
        assert_eq!(sum, b"0bee89b07a248e27c83fc3d5951213c1  -\n", "{line}");
        assert_eq!(status, 0);
    }
    let (sum, _) = world.start("sha1sum").end();
    assert_eq!(sum, b"da39a3ee5e6b4b0d3255bfef95601890afd80709  -\n");
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_summed() {
    let world = World::new();
    world.write("f", "");
    fs::create_dir(world.path("d")).unwrap();
    fs::write(
        world
            .home
            .path()
            .join(std::ffi::OsString::from_vec(b"\xff".to_vec())),
        "",
    )
    .unwrap();
    let mut program = world.start("md5sum none d ../../etc/passwd f");
    let (sum, status) = program.end();
    assert_eq!(sum, b"d41d8cd98f00b204e9800998ecf8427e  f\n");
    assert_eq!(status, 1);
    assert_eq!(
        program.stderr(),
        "md5sum: none: No such file or directory\nmd5sum: d: Is a directory\nmd5sum: ../../etc/passwd: No such file or directory\n"
    );
    let mut program = world.start("md5sum --check f");
    assert_eq!(program.end(), (vec![], 1));
    assert!(program.stderr().contains("--check"));
}

#[test]
fn download_is_needed() {
    let world = World::allowed(&["list", "upload"]);
    world.write("f", "");
    let mut program = world.start("sha256sum f");
    assert_eq!(program.end(), (vec![], 1));
    assert_eq!(
        program.stderr(),
        "sha256sum: f: Permission denied: needs download\n"
    );
}

#[test]
fn the_place_is_always_the_root() {
    let world = World::new();
    assert_eq!(world.start("cd d").end(), (vec![], 0));
    assert_eq!(world.start("pwd").end(), (b"/\n".to_vec(), 0));
}
