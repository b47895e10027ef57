//! The policy of a user by path: a decision is a value that names its rule.
//!
//! [`Policy::decide`] is a pure function. Sessions enforce it and explanations show it, so that both say the same.
//!
//! # Directories
//!
//! Permissions belong to directories. What is done to a name is decided by the nearest directory above it that has
//! permissions of its own, and listing a directory by that directory itself. Nothing is merged: the nearest one decides
//! alone. Whoever renames a directory changes the paths of all in it, so directories inside that have permissions of their
//! own have to allow it too.
//!
//! # Links
//!
//! A session decides for the path that was asked for and for the path that it resolves to (`Filesystem::resolve`), and the stricter decision wins. With the path asked
//! for alone, whoever may make links would reach through one what another directory's permissions forbid. With the
//! resolved path alone, an operator who gives fewer permissions on a name that is a link would have given none. While a
//! policy has the same permissions everywhere both decisions are the same, and nothing is resolved.
//!
//! A link that is changed between the decision and the operation is not seen. Who can do that has `create_symlinks` or
//! `rename` in the directory of the link, or changes files beside the server: permissions that differ between directories
//! protect from users who have neither where the link is.

mod access;
mod decision;
mod names;

use crate::{permission::Permissions, rule::Rule, vpath::VirtualPath};

pub(crate) use self::names::{names_unfinished_upload, temporary_name};
pub use self::{
    access::Access,
    decision::Decision,
    names::{UPLOAD_TEMPORARY_PREFIX, is_upload_temporary},
};

/// The permissions of one user, directory by directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    everywhere: Permissions,
    /// Directories with permissions of their own.
    directories: Vec<(VirtualPath, Permissions)>,
}

impl Policy {
    /// Makes a policy that gives these permissions on every path.
    pub fn uniform(permissions: Permissions) -> Self {
        Self {
            everywhere: permissions,
            directories: Vec::new(),
        }
    }

    /// Returns the policy with these permissions in `directory` and below, instead of those from further up.
    #[must_use]
    pub fn with_directory(mut self, directory: &VirtualPath, permissions: Permissions) -> Self {
        if directory.is_root() {
            self.everywhere = permissions;
            return self;
        }
        self.directories.retain(|(known, _)| known != directory);
        self.directories.push((directory.as_name(), permissions));
        self
    }

    /// Does every path have the same permissions?
    pub fn is_uniform(&self) -> bool {
        self.directories.is_empty()
    }

    /// May the user do this to this path? The path is taken by its words; links are the caller's.
    pub fn decide(&self, access: Access, path: &VirtualPath) -> Decision {
        let needed = access.permissions();
        let missing = needed - self.permissions(access, path);
        if !missing.is_empty() {
            return Decision::refused(Rule::Permission(missing));
        }
        if names_unfinished_upload(path) {
            return Decision::refused(Rule::ReservedName);
        }
        Decision::allowed(needed)
    }

    /// The permissions that decide about this access.
    fn permissions(&self, access: Access, path: &VirtualPath) -> Permissions {
        if self.is_uniform() {
            return self.everywhere;
        }
        let mut permissions = match access {
            Access::List => self.inside(path),
            _ => self.inside(&path.parent_or_root()),
        };
        if access == Access::RenameFrom {
            for (directory, own) in &self.directories {
                if directory == path || is_below(directory, path) {
                    permissions &= *own;
                }
            }
        }
        permissions
    }

    /// The permissions of what is in this directory.
    fn inside(&self, directory: &VirtualPath) -> Permissions {
        self.directories
            .iter()
            .filter(|(known, _)| known == directory || is_below(directory, known))
            .max_by_key(|(known, _)| known.as_bytes().len())
            .map_or(self.everywhere, |(_, permissions)| *permissions)
    }
}

fn is_below(path: &VirtualPath, directory: &VirtualPath) -> bool {
    directory.is_root()
        || path
            .as_bytes()
            .strip_prefix(directory.as_bytes())
            .is_some_and(|rest| rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests;
