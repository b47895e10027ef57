//! Which of SYMLINK's two names comes first, by who sends it.
//!
//! draft-ietf-secsh-filexfer-02 (section 6.10) has the link first. OpenSSH took it the other way round and stayed with that
//! (PROTOCOL section 4.1). So clients either always send OpenSSH's order, or ask the server's identification and
//! send the draft's to everybody but OpenSSH. This server is not OpenSSH, but an operator may have it say so.

/// The order of the two names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// OpenSSH's.
    TargetFirst,
    /// The draft's.
    LinkFirst,
}

/// What is known of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    /// It sends this order.
    Always(Order),
    /// Versions or programs that do either have the same name: what is there decides, and this where that tells nothing.
    InDoubt(Order),
}

/// What clients that ask who the server is take this one for, by the name that the operator gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TakenFor {
    /// Something that follows the draft.
    Another,
    /// OpenSSH, which every such client knows by the beginning of the name.
    OpenSsh,
    /// It takes it for one or the other: some look for a name anywhere, and AsyncSSH knows paramiko's too, ssh2 for node
    /// Dropbear's.
    Unsure,
}

impl TakenFor {
    /// Returns what the software version in the server's identification line is taken for.
    pub(super) fn by_name(software: &str) -> Self {
        if software.starts_with("OpenSSH") {
            return Self::OpenSsh;
        }
        let is_in = |name| software.contains(name);
        match ["OpenSSH", "paramiko", "dropbear"].into_iter().any(is_in) {
            true => Self::Unsure,
            false => Self::Another,
        }
    }
}

/// What would become of the link if one of the orders is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prospect {
    /// The link's directory is there and its name is free.
    pub(super) link_can_be_made: bool,
    /// The link would lead to something.
    pub(super) target_is_there: bool,
}

use self::{
    Habit::{Always, InDoubt},
    Order::{LinkFirst, TargetFirst},
};

/// Clients by the beginning of their software version (RFC 4253 section 4.2), and where to see what they send.
const CLIENTS: &[(&str, Habit)] = &[
    // asyncssh/sftp.py: `_nonstandard_symlink_impls` are OpenSSH and paramiko, all others get the link first.
    ("AsyncSSH_", Always(LinkFirst)),
    // src/sftp.c, `sftp_symlink`: the target first if `ssh_get_openssh_version`. KDE, and curl where it is built with it.
    ("libssh_", Always(LinkFirst)),
    ("libssh-", Always(LinkFirst)),
    // lib/protocol/SFTP.js, `symlink`: the target first if `_isOpenSSH`, by the server's line.
    ("ssh2js", Always(LinkFirst)),
    // core/SftpFileSystem.cpp, `CreateLink`: the target first only to what is known to have "the SFTP symlink bug".
    ("WinSCP_", Always(LinkFirst)),
    // Net/SFTP.php, `symlink`: since 2021 by the server's line, before that the target first; the name tells no version.
    ("phpseclib_", InDoubt(LinkFirst)),
    // sftp-client.c, `sftp_symlink`; and sshfs, lftp, GVFS, Net::SFTP::Foreign, which run it.
    ("OpenSSH_", Always(TargetFirst)),
    // paramiko/sftp_client.py, `symlink`.
    ("paramiko_", Always(TargetFirst)),
    // ChannelSftp.java, `symlink`: sends the old path, then the new one.
    ("JSCH-", Always(TargetFirst)),
    ("JSCH_", Always(TargetFirst)),
    // Apache MINA, AbstractSftpClient.java, `link`: below version 6 the target, then the link.
    ("SSHD-", Always(TargetFirst)),
    ("APACHE-SSHD-", Always(TargetFirst)),
    // SFTPv3Client.java, `createSymlink`: writes the target, then the link.
    ("TrileadSSH2Java", Always(TargetFirst)),
    ("Ganymed", Always(TargetFirst)),
    // SFTPSymlinkFeature.java: gives sshj the target first, and says why.
    ("Cyberduck/", Always(TargetFirst)),
    ("Mountain Duck/", Always(TargetFirst)),
    // SftpClient.cs, `SymbolicLink`: the existing path, then the link's.
    ("Renci.SshNet", Always(TargetFirst)),
    // pkg/sftp, `sshFxpSymlinkPacket.MarshalBinary`: the target, then the link. rclone is built with it.
    ("Go", Always(TargetFirst)),
    ("rclone/", Always(TargetFirst)),
    // These send what they are given first. Their own words say that is the link; who tried them with OpenSSH gives the
    // target: Erlang's ssh_xfer, Twisted's `makeLink`, Net::SFTP for Ruby, sshj, russh-sftp, dartssh2, libssh2 (whose
    // programs do either: curl the target first, Nimble Commander by the server's line).
    ("Erlang", InDoubt(TargetFirst)),
    ("Twisted", InDoubt(TargetFirst)),
    ("Ruby/Net::SSH", InDoubt(TargetFirst)),
    ("SSHJ_", InDoubt(TargetFirst)),
    ("russh", InDoubt(TargetFirst)),
    ("DartSSH_", InDoubt(TargetFirst)),
    ("libssh2_", InDoubt(TargetFirst)),
];

/// Returns what is known of the client with this identification line, which takes the server for that.
pub(super) fn habit_of(line: &str, server: TakenFor) -> Habit {
    let software = ["SSH-2.0-", "SSH-1.99-"]
        .into_iter()
        .find_map(|protocol| line.strip_prefix(protocol))
        .unwrap_or(line);
    let known = CLIENTS.iter().find(|(name, _)| begins_with(software, name));
    let habit = known.map_or(InDoubt(TargetFirst), |(_, habit)| *habit);
    match (habit, server) {
        // Whoever puts the link first asks who the server is.
        (Always(LinkFirst) | InDoubt(LinkFirst), TakenFor::OpenSsh) => Always(TargetFirst),
        (Always(LinkFirst), TakenFor::Unsure) => InDoubt(LinkFirst),
        _ => habit,
    }
}

/// Is that its name? A letter behind it would make it another one.
fn begins_with(software: &str, name: &str) -> bool {
    let is_open = name.ends_with(|last: char| last.is_ascii_alphanumeric());
    software
        .strip_prefix(name)
        .is_some_and(|rest| !(is_open && rest.starts_with(|next: char| next.is_ascii_alphabetic())))
}

/// The order that makes sense: where only one link can be made, that one; then the one that leads to something.
pub(super) fn by_what_is_there(
    in_doubt: Order,
    target_first: Prospect,
    link_first: Prospect,
) -> Order {
    let choose = |one: bool, other: bool| match (one, other) {
        (true, false) => Some(TargetFirst),
        (false, true) => Some(LinkFirst),
        _ => None,
    };
    choose(target_first.link_can_be_made, link_first.link_can_be_made)
        .or_else(|| choose(target_first.target_is_there, link_first.target_is_there))
        .unwrap_or(in_doubt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_known_by_their_lines() {
        for (line, habit) in [
            ("SSH-2.0-AsyncSSH_2.14.2", Always(LinkFirst)),
            ("SSH-2.0-libssh_0.10.6", Always(LinkFirst)),
            ("SSH-2.0-libssh-0.7.0", Always(LinkFirst)),
            ("SSH-2.0-libssh2_1.11.0", InDoubt(TargetFirst)),
            ("SSH-2.0-ssh2js1.15.0", Always(LinkFirst)),
            ("SSH-2.0-ssh2js0.1.20", Always(LinkFirst)),
            ("SSH-2.0-WinSCP_release_6.3.5", Always(LinkFirst)),
            ("SSH-2.0-phpseclib_3.0 (libsodium)", InDoubt(LinkFirst)),
            (
                "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3",
                Always(TargetFirst),
            ),
            ("SSH-1.99-OpenSSH_3.9", Always(TargetFirst)),
            ("SSH-2.0-paramiko_3.4.0", Always(TargetFirst)),
            ("SSH-2.0-JSCH-0.1.54", Always(TargetFirst)),
            ("SSH-2.0-JSCH_0.2.20", Always(TargetFirst)),
            ("SSH-2.0-APACHE-SSHD-2.13.2", Always(TargetFirst)),
            ("SSH-2.0-Renci.SshNet.SshClient.0.0.1", Always(TargetFirst)),
            ("SSH-2.0-Cyberduck/8.7 (Mac OS X)", Always(TargetFirst)),
            ("SSH-2.0-Go", Always(TargetFirst)),
            ("SSH-2.0-GoAnywhere7.0", InDoubt(TargetFirst)),
            ("SSH-2.0-rclone/v1.60.1", Always(TargetFirst)),
            ("SSH-2.0-Erlang/5.1", InDoubt(TargetFirst)),
            ("SSH-2.0-my own", InDoubt(TargetFirst)),
            ("", InDoubt(TargetFirst)),
        ] {
            assert_eq!(habit_of(line, TakenFor::Another), habit, "{line}");
        }
    }

    #[test]
    fn who_asks_the_server_goes_by_the_name_that_it_has() {
        for (software, taken_for) in [
            ("", TakenFor::Another),
            ("SFTPGo", TakenFor::Another),
            ("OpenSSH_9.2p1 Debian-2", TakenFor::OpenSsh),
            ("OpenSSH_for_Windows_9.5", TakenFor::OpenSsh),
            ("MyOpenSSH", TakenFor::Unsure),
            ("paramiko_3.4.0", TakenFor::Unsure),
            ("dropbear_2022.83", TakenFor::Unsure),
        ] {
            assert_eq!(TakenFor::by_name(software), taken_for, "{software}");
        }
        for (line, server, habit) in [
            (
                "SSH-2.0-AsyncSSH_2.14.2",
                TakenFor::OpenSsh,
                Always(TargetFirst),
            ),
            (
                "SSH-2.0-libssh_0.10.6",
                TakenFor::OpenSsh,
                Always(TargetFirst),
            ),
            (
                "SSH-2.0-phpseclib_3.0",
                TakenFor::OpenSsh,
                Always(TargetFirst),
            ),
            (
                "SSH-2.0-OpenSSH_9.2p1",
                TakenFor::OpenSsh,
                Always(TargetFirst),
            ),
            (
                "SSH-2.0-libssh2_1.11.0",
                TakenFor::OpenSsh,
                InDoubt(TargetFirst),
            ),
            (
                "SSH-2.0-AsyncSSH_2.14.2",
                TakenFor::Unsure,
                InDoubt(LinkFirst),
            ),
            (
                "SSH-2.0-OpenSSH_9.2p1",
                TakenFor::Unsure,
                Always(TargetFirst),
            ),
        ] {
            assert_eq!(habit_of(line, server), habit, "{line} {server:?}");
        }
    }

    #[test]
    fn what_is_there_decides_before_the_doubt() {
        let prospect = |link_can_be_made, target_is_there| Prospect {
            link_can_be_made,
            target_is_there,
        };
        for in_doubt in [TargetFirst, LinkFirst] {
            for (target_first, link_first, expected) in [
                (prospect(true, true), prospect(false, false), TargetFirst),
                (prospect(true, false), prospect(false, true), TargetFirst),
                (prospect(false, true), prospect(true, false), LinkFirst),
                (prospect(true, true), prospect(true, false), TargetFirst),
                (prospect(true, false), prospect(true, true), LinkFirst),
                (prospect(false, false), prospect(false, true), LinkFirst),
                (prospect(true, false), prospect(true, false), in_doubt),
                (prospect(true, true), prospect(true, true), in_doubt),
                (prospect(false, false), prospect(false, false), in_doubt),
            ] {
                assert_eq!(
                    by_what_is_there(in_doubt, target_first, link_first),
                    expected
                );
            }
        }
    }
}
