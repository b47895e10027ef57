//! A path as the client sees it: bytes, absolute, clean, and never above `/`.

use std::{
    borrow::Cow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use crate::error::{Error, ErrorKind, Result};

/// The longest path a client may send, as Linux has it.
pub const MAX_PATH_LEN: usize = 4096;

/// An absolute clean path under the user's root: no empty, `.` or `..` component, no NUL.
///
/// What the client wrote behind the last name is kept beside it, see [`Ending`]. Two paths of the same names are equal
/// whatever their endings: they stand for one name in permissions, logs and comparisons.
#[derive(Clone)]
pub struct VirtualPath {
    clean: Vec<u8>,
    ending: Ending,
}

/// What a client wrote behind the last name of a path (POSIX.1-2017 4.13, path_resolution(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// `name`: nothing was behind it. It is the name itself, which may be a link.
    #[default]
    Name,
    /// `name/`: the directory of this name, or the one that a link of this name leads to.
    Slash,
    /// `name/.` or `name/x/..`: a directory that is there, and that this is no name of.
    Dot,
}

impl Ending {
    fn of(raw: &[u8]) -> Self {
        match raw.rsplit(is_slash).next() {
            Some(b"." | b"..") => Self::Dot,
            Some(b"") if raw.is_empty() => Self::Name,
            Some(b"") => {
                let before = raw.rsplit(is_slash).find(|name| !name.is_empty());
                match before {
                    Some(b"." | b"..") => Self::Dot,
                    _ => Self::Slash,
                }
            }
            _ => Self::Name,
        }
    }
}

impl VirtualPath {
    /// The user's root.
    pub fn root() -> Self {
        Self::of_clean(b"/".to_vec())
    }

    /// Cleans what a client sent, lexically, taking a relative path from the root.
    /// `..` above the root stays at the root.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) on NUL, [`Unresolvable`](crate::ErrorKind::Unresolvable) on a path longer
    /// than [`MAX_PATH_LEN`].
    pub fn parse(raw: &[u8]) -> Result<Self> {
        Self::root().join(raw)
    }

    /// Cleans `raw` lexically, taking a relative path from `self`.
    ///
    /// # Errors
    /// As [`VirtualPath::parse`].
    pub fn join(&self, raw: &[u8]) -> Result<Self> {
        if raw.len() > MAX_PATH_LEN {
            return Err(too_long());
        }
        if raw.contains(&0) {
            return Err(Error::invalid("path", "contains NUL"));
        }
        let base = if raw.starts_with(b"/") {
            &[][..]
        } else {
            self.clean.as_slice()
        };
        let mut clean: Vec<&[u8]> = Vec::new();
        for component in base.split(is_slash).chain(raw.split(is_slash)) {
            match component {
                b"" | b"." => {}
                b".." => {
                    clean.pop();
                }
                name => clean.push(name),
            }
        }
        let mut joined = Vec::with_capacity(base.len() + raw.len() + 1);
        for name in clean {
            joined.push(b'/');
            joined.extend_from_slice(name);
        }
        if joined.is_empty() {
            joined.push(b'/');
        }
        if joined.len() > MAX_PATH_LEN {
            return Err(too_long());
        }
        let ending = match Ending::of(raw) {
            // Nothing was joined.
            Ending::Name if raw.is_empty() => self.ending,
            ending => ending,
        };
        Ok(Self {
            clean: joined,
            ending,
        })
    }

    fn of_clean(clean: Vec<u8>) -> Self {
        Self {
            clean,
            ending: Ending::Name,
        }
    }

    /// Returns what the client wrote behind the last name.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// Does the path stand for a directory alone, and for where a link of its name leads? Always so for the root.
    pub fn must_be_directory(&self) -> bool {
        self.is_root() || self.ending != Ending::Name
    }

    /// The name itself, whatever was behind it.
    #[must_use]
    pub fn as_name(&self) -> Self {
        Self::of_clean(self.clean.clone())
    }

    /// The whole path, starting with `/`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.clean
    }

    /// The path without its leading `/`; `.` for the root. What is handed to the kernel beneath the home.
    pub fn relative(&self) -> &[u8] {
        match self.clean.get(1..) {
            Some(rest) if !rest.is_empty() => rest,
            _ => b".",
        }
    }

    /// Is this the user's root?
    pub fn is_root(&self) -> bool {
        self.clean.len() == 1
    }

    /// The last component; none for the root.
    pub fn file_name(&self) -> Option<&[u8]> {
        self.clean
            .rsplit(is_slash)
            .next()
            .filter(|name| !name.is_empty())
    }

    /// The directory this is in; none for the root.
    pub fn parent(&self) -> Option<Self> {
        let name = self.file_name()?;
        let end = self.clean.len() - name.len();
        Some(Self::of_clean(
            self.clean
                .get(..end.saturating_sub(1).max(1))
                .unwrap_or(b"/")
                .to_vec(),
        ))
    }

    /// The directory this is in; the root is in itself.
    pub fn parent_or_root(&self) -> Self {
        self.parent().unwrap_or_else(Self::root)
    }

    /// Returns the same name in the directory that the path leads to. Where the path stands for a directory alone, all of
    /// it is resolved.
    ///
    /// # Errors
    /// Any error of `resolve`, which is given a path as bytes.
    pub fn resolve_name(&self, resolve: impl FnOnce(&[u8]) -> Result<Self>) -> Result<Self> {
        match self.file_name() {
            Some(name) if !self.must_be_directory() => {
                resolve(self.parent_or_root().as_bytes())?.join(name)
            }
            _ => resolve(&self.clean),
        }
    }

    /// The components from the root down.
    pub fn components(&self) -> impl Iterator<Item = &[u8]> {
        self.clean.split(is_slash).filter(|name| !name.is_empty())
    }

    /// Returns the path for people and logs; bytes that are not UTF-8 are replaced.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.clean)
    }
}

fn too_long() -> Error {
    Error::new(ErrorKind::Unresolvable, "path: longer than 4096 bytes")
}

fn is_slash(byte: &u8) -> bool {
    *byte == b'/'
}

impl PartialEq for VirtualPath {
    fn eq(&self, other: &Self) -> bool {
        self.clean == other.clean
    }
}

impl Eq for VirtualPath {}

impl Hash for VirtualPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.clean.hash(state);
    }
}

impl Ord for VirtualPath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.clean.cmp(&other.clean)
    }
}

impl PartialOrd for VirtualPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for VirtualPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_string_lossy().fmt(f)
    }
}

/// Does `target`, taken from `directory`, never climb above the root?
pub(crate) fn stays_inside(directory: &VirtualPath, target: &[u8]) -> bool {
    let above = if target.starts_with(b"/") {
        0
    } else {
        directory.components().count()
    };
    climb(target) <= above
}

/// `target` as seen from `directory`, behind `./`: so links are stored that a client gave as absolute paths.
pub(crate) fn relative_from(directory: &VirtualPath, target: &VirtualPath) -> Vec<u8> {
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

/// Returns how many directories above the one it is taken from a target goes at most, by its words.
pub(crate) fn climb(target: &[u8]) -> usize {
    let (mut below, mut highest) = (0_usize, 0);
    for component in target.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." if below == 0 => highest += 1,
            b".." => below -= 1,
            _ => below += 1,
        }
    }
    highest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    fn clean(raw: &[u8]) -> Vec<u8> {
        VirtualPath::parse(raw).unwrap().as_bytes().to_vec()
    }

    #[test]
    fn paths_are_cleaned_as_a_client_expects() {
        for (raw, expected) in [
            (&b""[..], &b"/"[..]),
            (b".", b"/"),
            (b"/", b"/"),
            (b"a", b"/a"),
            (b"/a//b/./c/", b"/a/b/c"),
            (b"a/../../../b", b"/b"),
            (b"/..", b"/"),
            (b"...", b"/..."),
            (b"a\\b", b"/a\\b"),
            (b"\xff\xfe", b"/\xff\xfe"),
        ] {
            assert_eq!(clean(raw), expected, "{raw:?}");
        }
    }

    #[test]
    fn nul_and_overlong_paths_are_refused() {
        assert!(VirtualPath::parse(b"a\0b").is_err());
        assert!(VirtualPath::parse(&[b'a'; 4097]).is_err());
        assert!(
            VirtualPath::parse(&[b'a'; 4000])
                .unwrap()
                .join(&[b'b'; 200])
                .is_err()
        );
    }

    #[test]
    fn what_was_behind_the_last_name_is_kept_and_makes_no_other_path() {
        for (raw, ending) in [
            ("", Ending::Name),
            ("a", Ending::Name),
            ("a/b..", Ending::Name),
            ("/a/", Ending::Slash),
            ("a//", Ending::Slash),
            ("a/b/./../c/", Ending::Slash),
            ("a/.", Ending::Dot),
            ("a/./", Ending::Dot),
            ("a/b/..", Ending::Dot),
            ("a/b/..//", Ending::Dot),
        ] {
            let path = VirtualPath::parse(raw.as_bytes()).unwrap();
            assert_eq!(path.ending(), ending, "{raw}");
            assert_eq!(path.as_name().ending(), Ending::Name);
            assert_eq!(path.as_name(), path);
            assert_eq!(
                path.must_be_directory(),
                path.is_root() || ending != Ending::Name
            );
            let parent = path.parent().unwrap_or_else(VirtualPath::root);
            assert_eq!(parent.ending(), Ending::Name);
            assert_eq!(path.join(b"").unwrap().ending(), ending);
            assert_eq!(path.join(b"x").unwrap().ending(), Ending::Name);
        }
    }

    #[test]
    fn targets_above_the_root_do_not_stay_inside() {
        let directory = VirtualPath::parse(b"/d/e").unwrap();
        assert!(stays_inside(&directory, b"../../x"));
        assert!(!stays_inside(&directory, b"../../../x"));
        assert!(stays_inside(&directory, b"/a/../b"));
        assert!(!stays_inside(&directory, b"/.."));
        assert!(!stays_inside(&directory, b"x/../../../../y"));
    }

    #[test]
    fn parents_and_names() {
        let path = VirtualPath::parse(b"/a/b").unwrap();
        assert_eq!(path.file_name(), Some(&b"b"[..]));
        assert_eq!(path.parent().unwrap().as_bytes(), b"/a");
        assert_eq!(
            path.parent().unwrap().parent().unwrap(),
            VirtualPath::root()
        );
        assert_eq!(VirtualPath::root().parent(), None);
        assert_eq!(VirtualPath::root().relative(), b".");
    }

    fn path_bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"..".to_vec()),
            Just(b".".to_vec()),
            Just(b"/".to_vec()),
            Just(b"//".to_vec()),
            Just(b"\\..".to_vec()),
            prop::collection::vec(1_u8.., 0..6),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.join(&b'/'))
    }

    proptest! {
        #[test]
        fn no_input_escapes_or_stays_unclean(base in path_bytes(), raw in path_bytes()) {
            let path = VirtualPath::parse(&base).unwrap().join(&raw).unwrap();
            prop_assert!(path.as_bytes().starts_with(b"/"));
            for component in path.components() {
                prop_assert!(component != b"." && component != b".." && !component.contains(&0));
            }
            prop_assert!(path.is_root() || !path.as_bytes().ends_with(b"/"));
            prop_assert!(!path.as_bytes().windows(2).any(|pair| pair == b"//"));
            prop_assert_eq!(VirtualPath::parse(path.as_bytes()).unwrap(), path.clone());
            if let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
                prop_assert_eq!(parent.join(name).unwrap(), path.clone());
            }
        }
    }
}
