//! Targets of symbolic links, lexically.

use crate::vpath::VirtualPath;

/// Does `target`, taken from `directory`, never climb above the root?
pub(crate) fn stays_inside(directory: &VirtualPath, target: &[u8]) -> bool {
    let mut depth = if target.starts_with(b"/") {
        0
    } else {
        directory.components().count()
    };
    for component in target.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." if depth == 0 => return false,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    true
}

/// `target` as seen from `directory`, behind `./`.
pub(super) fn relative_from(directory: &VirtualPath, target: &VirtualPath) -> Vec<u8> {
    let shared = directory
        .components()
        .zip(target.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = directory.components().count() - shared;
    let steps = std::iter::once(&b"."[..])
        .chain(std::iter::repeat_n(&b".."[..], up))
        .chain(target.components().skip(shared));
    let mut relative = Vec::new();
    for step in steps {
        if !relative.is_empty() {
            relative.push(b'/');
        }
        relative.extend_from_slice(step);
    }
    // A lone `.` would lose the mark.
    if relative == b"." {
        relative.extend_from_slice(b"/.");
    }
    relative
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_targets_become_relative_to_the_link() {
        for (directory, target, expected) in [
            ("/", "/a", "./a"),
            ("/d", "/a/b", "./../a/b"),
            ("/d/e", "/d/f", "./../f"),
            ("/d", "/d", "./."),
            ("/d/e", "/", "./../.."),
        ] {
            let path = |raw: &str| VirtualPath::parse(raw.as_bytes()).unwrap();
            let relative = relative_from(&path(directory), &path(target));
            assert_eq!(String::from_utf8(relative.clone()).unwrap(), expected);
            assert_eq!(path(directory).join(&relative).unwrap(), path(target));
        }
    }

    #[test]
    fn targets_above_the_root_do_not_stay_inside() {
        let directory = VirtualPath::parse(b"/d/e").unwrap();
        assert!(stays_inside(&directory, b"../../x"));
        assert!(!stays_inside(&directory, b"../../../x"));
        assert!(stays_inside(&directory, b"/a/../b"));
        assert!(!stays_inside(&directory, b"/.."));
    }
}
