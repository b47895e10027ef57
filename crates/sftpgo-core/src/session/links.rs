//! Links of a session: making and reading them, where paths lead through them, and targets as words.

use super::Session;
use crate::{
    error::{Error, Result},
    event::{Attempt, Command},
    policy::Access,
    rule::Rule,
    vpath::{VirtualPath, relative_from, stays_inside},
};

impl Session {
    /// Returns where a path leads, with links and `..` resolved; its last name may be missing.
    ///
    /// Needs no permission. Without `list` the answer is made of the words alone, which tells nothing of what is there
    /// and where links lead.
    ///
    /// # Errors
    /// A name before the last one is missing or no directory, or a link leads outside the home.
    pub fn real_path(&self, raw: &[u8]) -> Result<VirtualPath> {
        self.shared.connection.touch();
        let words = VirtualPath::parse(raw)?.as_name();
        let found = self.found_path(raw, &words);
        let found = self.shared.told(Attempt::Realpath, &words, found)?;
        Ok(found.unwrap_or(words))
    }

    /// Where the path of these words really leads; none where the user may not know it.
    fn found_path(&self, raw: &[u8], words: &VirtualPath) -> Result<Option<VirtualPath>> {
        if !self.may_be_told(words)? {
            return Ok(None);
        }
        let found = self.shared.filesystem.resolve(raw)?;
        Ok(self.may_be_told(&found)?.then_some(found))
    }

    /// May the user know what is at this path?
    fn may_be_told(&self, path: &VirtualPath) -> Result<bool> {
        let decision = self.shared.user.policy.decide(Access::Stat, path);
        match decision.rule {
            Rule::Permission(_) => Ok(decision.allowed),
            _ => decision.check(Access::Stat).map(|()| true),
        }
    }

    /// Makes `link` point to `target`: the client's absolute path, or one relative to the link's directory.
    ///
    /// The target leads inside from where the link's directory really is, and for good: an absolute one is stored relative
    /// behind `./`, so that it stays beneath the home for the kernel and READLINK can show it as it was given; one that
    /// goes up behind a name is stored as where that leads now, since whoever makes the name a link could make it climb.
    ///
    /// # Errors
    /// Needs `create_symlinks`; a target outside the home is refused. [`Unsupported`](crate::ErrorKind::Unsupported)
    /// on a storage without links.
    pub fn symlink(&self, target: &[u8], link: &VirtualPath) -> Result<()> {
        let made = self.symlink_as_asked(target, link);
        self.shared.told(Attempt::Symlink, link, made)
    }

    fn symlink_as_asked(&self, target: &[u8], link: &VirtualPath) -> Result<()> {
        self.check_name(Access::CreateLink, link)?;
        self.shared.filesystem.capabilities().check_links()?;
        self.shared.check_not_uploading(link)?;
        let filesystem = &self.shared.filesystem;
        // A directory that moved meanwhile would let the link climb further.
        let names = self.shared.quota.lock_namespace();
        let directory = filesystem.resolve(link.parent_or_root().as_bytes())?;
        let resolved = target_of_link(&directory, target, |raw| filesystem.resolve(raw))?;
        // Whoever follows the link is asked again, for where it leads then.
        let decision = self
            .shared
            .user
            .policy
            .decide(Access::LinkTarget, &resolved);
        decision.check(Access::LinkTarget)?;
        // Links on the way may lead out where the words do not; what is not there yet may come.
        if let Err(refused) = filesystem.metadata(&resolved, true)
            && refused.rule() == Some(Rule::OutsideHome)
        {
            return Err(refused);
        }
        if target.starts_with(b"/") {
            filesystem.symlink(&relative_from(&directory, &resolved), link)?;
        } else if end_of_ups_behind_names(target).is_some() {
            let stored = relative_from(&directory, &resolved);
            filesystem.symlink(stored.strip_prefix(b"./").unwrap_or(&stored), link)?;
        } else {
            filesystem.symlink(target, link)?;
        }
        drop(names);
        self.tell(Command::Symlink, &resolved, Some(link));
        Ok(())
    }

    /// Gives a file a second name; it counts once in the quota.
    ///
    /// # Errors
    /// Needs `create_symlinks`; a link that would lead outside the home from its new place is refused.
    /// [`Unsupported`](crate::ErrorKind::Unsupported) on a storage without links.
    pub fn hard_link(&self, original: &VirtualPath, link: &VirtualPath) -> Result<()> {
        let made = self.hard_link_as_asked(original, link);
        self.shared
            .told_of_two(Attempt::Hardlink, (original, Some(link)), made)
    }

    fn hard_link_as_asked(&self, original: &VirtualPath, link: &VirtualPath) -> Result<()> {
        self.check_name(Access::LinkTarget, original)?;
        self.check_name(Access::CreateLink, link)?;
        self.shared.filesystem.capabilities().check_links()?;
        self.shared.check_not_uploading(original)?;
        self.shared.check_not_uploading(link)?;
        let names = self.shared.quota.lock_namespace();
        self.shared.filesystem.check_links_from(original, link)?;
        self.shared.filesystem.hard_link(original, link)?;
        if self.shared.quota.is_being_rescanned() {
            let (linked, count) = self.shared.look_up(link)?;
            self.shared.moved(&linked, &count);
        }
        drop(names);
        self.tell(Command::Symlink, original, Some(link));
        Ok(())
    }

    /// Returns where a link points, as the client's path.
    ///
    /// # Errors
    /// Needs `list`; [`Unsupported`](crate::ErrorKind::Unsupported) on a storage without links.
    pub fn read_link(&self, path: &VirtualPath) -> Result<Vec<u8>> {
        let target = self.read_link_as_asked(path);
        self.shared.told(Attempt::Readlink, path, target)
    }

    fn read_link_as_asked(&self, path: &VirtualPath) -> Result<Vec<u8>> {
        self.check_name(Access::Stat, path)?;
        self.shared.filesystem.capabilities().check_links()?;
        self.shared.filesystem.read_link(path)
    }
}

/// Returns where a link in `directory` would lead by the words of its target, but for what is behind a name and goes up
/// from there: that is resolved.
///
/// # Errors
/// The target leads outside the home.
pub(crate) fn target_of_link(
    directory: &VirtualPath,
    target: &[u8],
    resolve: impl FnOnce(&[u8]) -> Result<VirtualPath>,
) -> Result<VirtualPath> {
    // As symlink(2).
    if target.is_empty() {
        return Err(Error::not_found("a link to nothing cannot be made"));
    }
    if !stays_inside(directory, target) {
        return Err(leads_outside());
    }
    let Some(end) = end_of_ups_behind_names(target) else {
        return directory.join(target);
    };
    let (way, rest) = target.split_at(end);
    let mut raw = if target.starts_with(b"/") {
        Vec::new()
    } else {
        directory.as_bytes().to_vec()
    };
    raw.push(b'/');
    raw.extend_from_slice(way);
    let place = match resolve(&raw) {
        Err(error) if error.rule() == Some(Rule::OutsideHome) => return Err(error),
        // What is not there is taken by its words: they go nowhere else later, for they are not stored.
        Err(_) => directory.join(way)?,
        Ok(place) => place,
    };
    place.join(rest.strip_prefix(b"/").unwrap_or(rest))
}

fn leads_outside() -> Error {
    Error::denied("the target leads outside the home directory").decided_by(Rule::OutsideHome)
}

fn is_slash(byte: &u8) -> bool {
    *byte == b'/'
}

/// Returns where the last `..` of a target ends, if there is one behind a name.
fn end_of_ups_behind_names(target: &[u8]) -> Option<usize> {
    let (mut at, mut named, mut end) = (0, false, None);
    for component in target.split(is_slash) {
        at += component.len();
        match component {
            b"" | b"." => {}
            b".." if named => end = Some(at),
            b".." => {}
            _ => named = true,
        }
        at += 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vpath::climb;

    #[test]
    fn what_goes_up_behind_a_name_is_found() {
        for (target, climb_of, end) in [
            ("a/b", 0, None),
            ("../../a", 2, None),
            (".././a/", 1, None),
            ("a/..", 0, Some(4)),
            ("../a/../../b/c", 2, Some(10)),
            ("/a/.././b", 0, Some(5)),
            ("/../a", 1, None),
        ] {
            assert_eq!(climb(target.as_bytes()), climb_of, "{target}");
            assert_eq!(end_of_ups_behind_names(target.as_bytes()), end, "{target}");
        }
    }
}
