//! What each request asks of the rules, in a home that is only looked at.

use super::{Action, Question};
use crate::{
    error::Result,
    filesystem::{FileType, Filesystem, Metadata},
    permission::Permissions,
    policy::{Access, Decision, Policy},
    rule::Rule,
    session::{UploadMode, UploadPolicy, target_of_link},
    storage_usage::UsageDelta,
    vpath::VirtualPath,
};

/// The least that an upload brings: where no byte fits, an upload is not possible.
const ONE_BYTE: UsageDelta = UsageDelta { size: 1, files: 0 };

/// A user's home, or the empty one that the first login makes, and the user's policy in it.
pub(super) struct Home {
    filesystem: Option<Box<dyn Filesystem>>,
    policy: Policy,
    uploads: UploadPolicy,
}

/// The headroom that an upload takes at least, and what it gives back before.
pub(super) struct NeededRoom {
    pub(super) taken: UsageDelta,
    /// Bytes that it gives back.
    pub(super) freed: u64,
}

/// One access of a request, and whether it follows a link of the last name.
struct Step<'q>(Access, &'q VirtualPath, Last);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Follow,
    Name,
}

impl Home {
    pub(super) fn new(
        filesystem: Option<Box<dyn Filesystem>>,
        policy: Policy,
        uploads: UploadPolicy,
    ) -> Self {
        Self {
            filesystem,
            policy,
            uploads,
        }
    }

    /// Returns what allows the request: all permissions that it needs.
    ///
    /// # Errors
    /// A refusal by the rules of permissions and names.
    pub(super) fn decide(&self, question: &Question) -> Result<Rule> {
        let steps = self.steps(question);
        let asked = self.decide_all(&steps, |Step(_, path, _)| Ok(Some((*path).clone())))?;
        let resolved = self.decide_all(&steps, |step| self.place(step))?;
        self.check_links(question)?;
        Ok(asked.and(resolved).rule)
    }

    /// The decision for all steps together, each for the path that `place` says; none is no path to decide about.
    ///
    /// # Errors
    /// The refusal, in a client's words.
    fn decide_all<'q>(
        &self,
        steps: &[Step<'q>],
        place: impl Fn(&Step<'q>) -> Result<Option<VirtualPath>>,
    ) -> Result<Decision> {
        let mut decision = Decision::allowed(Permissions::empty());
        let mut refused = Access::Stat;
        for step in steps {
            let Some(path) = place(step)? else {
                continue;
            };
            let decided = self.policy.decide(step.0, &path);
            if decision.allowed && !decided.allowed {
                refused = step.0;
            }
            decision = decision.and(decided);
        }
        decision.check(refused).map(|()| decision)
    }

    /// The accesses of a request, as a session asks for them.
    fn steps<'q>(&self, question: &'q Question) -> Vec<Step<'q>> {
        let path = question.path();
        let name = |access| Step(access, path, Last::Name);
        let follow = |access| Step(access, path, Last::Follow);
        let target = |access| question.target().map(|to| Step(access, to, Last::Name));
        let is_there = |path, last| self.find(path, last).is_some();
        match question.action() {
            Action::List => vec![follow(Access::List)],
            Action::Stat | Action::Statvfs => vec![follow(Access::Stat)],
            Action::Readlink => vec![name(Access::Stat)],
            Action::Download => vec![follow(Access::Download)],
            Action::Upload if !is_there(path, Last::Follow) => vec![follow(Access::Upload)],
            Action::Upload | Action::Overwrite | Action::Append => {
                vec![follow(Access::Upload), follow(Access::Overwrite)]
            }
            Action::Truncate => vec![follow(Access::Truncate)],
            Action::Setstat => vec![follow(Access::Chmod), follow(Access::Chtimes)],
            Action::Chmod => vec![follow(Access::Chmod)],
            Action::Chown => vec![follow(Access::Chown)],
            Action::Chtimes => vec![follow(Access::Chtimes)],
            Action::Mkdir => vec![name(Access::CreateDir)],
            Action::Rmdir | Action::Remove => vec![name(Access::Delete)],
            Action::Rename | Action::Replace => {
                let mut steps = vec![name(Access::RenameFrom)];
                steps.extend(target(Access::RenameTo));
                let replaces = question.action() == Action::Replace
                    && question.target().is_some_and(|to| is_there(to, Last::Name));
                steps.extend(target(Access::Overwrite).filter(|_| replaces));
                steps
            }
            Action::Symlink => target(Access::CreateLink).into_iter().collect(),
            Action::Hardlink => {
                let mut steps = vec![name(Access::LinkTarget)];
                steps.extend(target(Access::CreateLink));
                steps
            }
        }
    }

    /// Returns where a step's path leads; none for one that leads nowhere, which is the disk's to refuse.
    ///
    /// # Errors
    /// A link that may not be followed.
    fn place(&self, Step(_, path, last): &Step<'_>) -> Result<Option<VirtualPath>> {
        let place = match last {
            Last::Follow => self.resolve(path.as_bytes()),
            Last::Name => path.resolve_name(|raw| self.resolve(raw)),
        };
        match place {
            Err(error) if error.rule().is_some() => Err(error),
            place => Ok(place.ok()),
        }
    }

    /// Do links lead inside the home, from where they are and from where they get to?
    fn check_links(&self, question: &Question) -> Result<()> {
        let path = question.path();
        let checked = match (question.action(), question.target(), &self.filesystem) {
            (Action::Symlink, Some(link), _) => self.check_new_link(question.raw_path(), link),
            (Action::Readlink, _, Some(home)) => home.read_link(path).map(drop),
            (_, Some(target), Some(home)) => home.check_links_from(path, target),
            _ => Ok(()),
        };
        match checked {
            Err(error) if error.rule().is_some() => Err(error),
            _ => Ok(()),
        }
    }

    fn check_new_link(&self, target: &[u8], link: &VirtualPath) -> Result<()> {
        let directory = self.resolve(link.parent_or_root().as_bytes())?;
        let resolved = target_of_link(&directory, target, |raw| self.resolve(raw))?;
        self.policy
            .decide(Access::LinkTarget, &resolved)
            .check(Access::LinkTarget)?;
        let found = self
            .filesystem
            .as_ref()
            .map(|home| home.metadata(&resolved, true));
        match found {
            Some(Err(error)) if error.rule() == Some(Rule::OutsideHome) => Err(error),
            _ => Ok(()),
        }
    }

    /// Returns what an upload needs of the quota at least; none where the request is no upload.
    pub(super) fn needed_room(&self, question: &Question) -> Option<NeededRoom> {
        let path = question.path();
        let one_more = NeededRoom {
            taken: UsageDelta {
                files: 1,
                ..ONE_BYTE
            },
            freed: 0,
        };
        let in_place = |freed| NeededRoom {
            taken: ONE_BYTE,
            freed,
        };
        match (question.action(), self.find(path, Last::Follow)) {
            (Action::Upload, None) => Some(one_more),
            (Action::Append, _) | (Action::Overwrite, None) => Some(in_place(0)),
            (Action::Upload | Action::Overwrite, Some(found)) if !self.stages(path) => {
                Some(in_place(found.size))
            }
            // A hidden file beside it: one more where the old one has other names, else with room for as many bytes.
            (Action::Upload | Action::Overwrite, Some(found)) if found.links >= 2 => Some(one_more),
            (Action::Upload | Action::Overwrite, Some(found)) if found.size == 0 => {
                Some(in_place(0))
            }
            _ => None,
        }
    }

    /// Does new content for this name go to a hidden file first?
    fn stages(&self, path: &VirtualPath) -> bool {
        let is_possible = |home: &dyn Filesystem| home.capabilities().atomic_rename;
        let is_link = |found: Metadata| found.file_type == FileType::Symlink;
        self.uploads.mode != UploadMode::Standard
            && self.filesystem.as_deref().is_some_and(is_possible)
            && !self.find(path, Last::Name).is_some_and(is_link)
    }

    /// Returns what has the name; none where nothing has, and where that cannot be said.
    fn find(&self, path: &VirtualPath, last: Last) -> Option<Metadata> {
        let home = self.filesystem.as_ref()?;
        home.metadata(path, last == Last::Follow).ok()
    }

    fn resolve(&self, raw: &[u8]) -> Result<VirtualPath> {
        match &self.filesystem {
            Some(home) => home.resolve(raw),
            None => Ok(VirtualPath::parse(raw)?.as_name()),
        }
    }
}
