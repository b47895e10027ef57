//! The work, done by OpenSSH's sftp with aes256-gcm and otherwise its defaults, for a user with a quota.

use std::fs;

use serde_json::json;
use sftpgo_e2e::{Server, noise, sftp, wait_for};

const USER: &str = "bob";
/// Sizes of the smaller and the larger work, in MiB and in files.
const MIB: [usize; 2] = [32, 64];
const FILES: [usize; 2] = [200, 400];
const SMALL: usize = 4096;
/// Where receipts are kept.
const RECEIPTS: &str = "receipts";

/// What is done.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    UploadMib,
    DownloadMib,
    UploadFile,
    DownloadFile,
    /// As `UploadFile`, and each of them is told in the audit log.
    AuditedFile,
    /// As `UploadFile`, and each of them leaves a receipt.
    ReceiptedFile,
}

impl Work {
    /// What the server needs for it.
    pub(crate) fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::AuditedFile => &[("SFTPGO_COMMON__AUDIT__FILE", "audit.log")],
            Self::ReceiptedFile => &[("SFTPGO_SFTPD__RECEIPTS_DIR", RECEIPTS)],
            _ => &[],
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::UploadMib => "a MiB up",
            Self::DownloadMib => "a MiB down",
            Self::UploadFile => "a file of 4 KiB up",
            Self::DownloadFile => "a file of 4 KiB down",
            Self::AuditedFile => "a file of 4 KiB up with the audit log",
            Self::ReceiptedFile => "a file of 4 KiB up with its receipt",
        }
    }

    fn sizes(self) -> [usize; 2] {
        match self {
            Self::UploadMib | Self::DownloadMib => MIB,
            Self::UploadFile | Self::DownloadFile | Self::AuditedFile | Self::ReceiptedFile => {
                FILES
            }
        }
    }

    /// Makes what is sent in this size, and the client's command.
    fn prepare(self, server: &Server, size: usize) -> String {
        let name = format!("size-{size}");
        let source = match self {
            Self::UploadMib | Self::UploadFile | Self::AuditedFile | Self::ReceiptedFile => {
                server.path(&name)
            }
            Self::DownloadMib | Self::DownloadFile => server.home(USER).join(&name),
        };
        match self {
            Self::UploadMib | Self::DownloadMib => fs::write(source, noise(size << 20)).unwrap(),
            Self::UploadFile | Self::DownloadFile | Self::AuditedFile | Self::ReceiptedFile => {
                fs::create_dir(&source).unwrap();
                let content = noise(SMALL);
                for number in 0..size {
                    fs::write(source.join(format!("file-{number:04}")), &content).unwrap();
                }
            }
        }
        match self {
            Self::UploadMib | Self::UploadFile | Self::AuditedFile | Self::ReceiptedFile => {
                format!("put -r {name} {name}-up\n")
            }
            Self::DownloadMib | Self::DownloadFile => format!("get -r {name} {name}-down\n"),
        }
    }

    /// What one more MiB or file takes, by what `count` says of a piece of work.
    pub(crate) fn each(self, server: &Server, mut count: impl FnMut(&dyn Fn()) -> u64) -> f64 {
        let sizes = self.sizes();
        let [smaller, larger] = sizes.map(|size| {
            let commands = self.prepare(server, size);
            count(&|| {
                run(server, &commands);
                if matches!(self, Self::ReceiptedFile) {
                    wait_for_receipts(server);
                }
            })
        });
        let [small, large] = sizes;
        (larger as f64 - smaller as f64) / (large - small) as f64
    }
}

/// Adds the user whose work is counted.
pub(crate) fn add_user(server: &Server) {
    server.add_user(
        USER,
        &json!({ "quota_size": 1_u64 << 40, "quota_files": 1_000_000 }),
    );
    // It is the first login that makes it.
    fs::create_dir_all(server.home(USER)).unwrap();
}

/// Lets the client do its work, until the server has nothing to do any more.
fn run(server: &Server, commands: &str) {
    sftp(server, USER, &["-c", "aes256-gcm@openssh.com"], commands).assert_ok();
    wait_for("the server to close the connection", || {
        !is_connected(server)
    });
}

/// Until each file that was uploaded has its receipt.
fn wait_for_receipts(server: &Server) {
    let files = |directory| {
        let directories = fs::read_dir(directory).unwrap();
        let files =
            directories.flat_map(|directory| fs::read_dir(directory.unwrap().path()).unwrap());
        let names = files.map(|file| file.unwrap().file_name());
        // Those begin so that are being written.
        let finished = names.filter(|name| !name.as_encoded_bytes().starts_with(b".new-"));
        finished.count()
    };
    let (home, receipts) = (server.home(USER), server.path(RECEIPTS));
    wait_for("the receipts", || files(&home) == files(&receipts));
}

/// Asks the kernel, for to answer would be work for the server.
fn is_connected(server: &Server) -> bool {
    const TIME_WAIT: &str = "06";
    const LISTEN: &str = "0A";
    let own = format!(":{:04X}", server.sftp_port);
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
    sockets.lines().skip(1).any(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        fields[1].ends_with(&own) && ![TIME_WAIT, LISTEN].contains(&fields[3])
    })
}
