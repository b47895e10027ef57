//! A Unix socket: a file that is there as long as somebody listens.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::{self, UnixStream},
    },
    path::{Path, PathBuf},
};

use tokio::net::UnixListener;

/// The mode of the socket: its owner and its group may connect.
const MODE: u32 = 0o660;

/// The file of a socket; removed when it is dropped, unless another one has taken its name.
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and number; none when the file belongs to another process of the server.
    identity: Option<(u64, u64)>,
}

/// Listens at `path`. A socket there on which nobody listens any more is replaced.
///
/// # Errors
/// Why not, and what to do.
pub(super) fn listen(path: &Path) -> Result<(UnixListener, SocketFile), String> {
    let shown = path.display();
    remove_stale(path)?;
    let listener = UnixListener::bind(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("the directory of {shown} does not exist: make it"),
        io::ErrorKind::PermissionDenied => {
            format!("this user may not make {shown}: let it write the directory")
        }
        _ => format!("{shown} cannot be listened on: {error}"),
    })?;
    let file = SocketFile {
        path: path.to_owned(),
        identity: identity(path),
    };
    fs::set_permissions(path, fs::Permissions::from_mode(MODE))
        .map_err(|error| format!("the mode of {shown} cannot be set: {error}"))?;
    Ok((listener, file))
}

/// Goes on listening at `path`, as the server did that this one follows. The file stays that server's, which goes on with it
/// when this one does not start, until this one [owns](SocketFile::own) it.
///
/// # Errors
/// It cannot be listened on.
pub(super) fn go_on(
    listener: net::UnixListener,
    path: &Path,
) -> Result<(UnixListener, SocketFile), String> {
    let listener = listener
        .set_nonblocking(true)
        .and_then(|()| UnixListener::from_std(listener))
        .map_err(|error| format!("{} cannot be listened on: {error}", path.display()))?;
    let file = SocketFile {
        path: path.to_owned(),
        identity: None,
    };
    Ok((listener, file))
}

fn remove_stale(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !found.file_type().is_socket() {
        return Err(format!(
            "{shown} is there and is no socket: remove it, or choose another path"
        ));
    }
    if UnixStream::connect(path).is_ok() {
        return Err(format!(
            "{shown} is in use by another program: stop that one, or choose another path"
        ));
    }
    fs::remove_file(path).map_err(|error| {
        format!("{shown} is left over from a program that has ended and cannot be removed: {error}")
    })
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

impl SocketFile {
    /// Takes the file over from the server that this one follows.
    pub(crate) fn own(&mut self) {
        self.identity = identity(&self.path);
    }

    /// Leaves the file to the server that follows this one.
    pub(crate) fn leave(mut self) {
        self.identity = None;
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            // Whatever keeps it, the next start replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_file_is_there_while_somebody_listens_and_for_its_owner_and_group() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http.sock");
        let (listener, file) = listen(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        assert!(listen(&path).err().unwrap().contains("is in use"));
        drop((listener, file));
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn the_file_of_a_server_before_stays_until_it_is_owned() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http.sock");
        let before = net::UnixListener::bind(&path).unwrap();
        drop(go_on(before.try_clone().unwrap(), &path).unwrap());
        assert!(path.exists());
        let (_listener, mut file) = go_on(before, &path).unwrap();
        file.own();
        drop(file);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_a_killed_server_left_is_replaced_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let (_listener, file) = listen(&path).unwrap();
        // Another server has the name now.
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        drop(file);
        assert!(path.exists());
        assert!(listen(&path).err().unwrap().contains("is no socket"));
        let nowhere = directory.path().join("missing/http.sock");
        assert!(listen(&nowhere).err().unwrap().contains("does not exist"));
    }
}
