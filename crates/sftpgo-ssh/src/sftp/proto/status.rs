//! Status codes (section 7 of the draft).

/// What a STATUS says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum StatusCode {
    /// SSH_FX_OK.
    Ok = 0,
    /// SSH_FX_EOF: there is no more data, or no further name.
    Eof = 1,
    /// SSH_FX_NO_SUCH_FILE.
    NoSuchFile = 2,
    /// SSH_FX_PERMISSION_DENIED.
    PermissionDenied = 3,
    /// SSH_FX_FAILURE: any other failure.
    Failure = 4,
    /// SSH_FX_BAD_MESSAGE: the packet is not of the protocol.
    BadMessage = 5,
    /// SSH_FX_OP_UNSUPPORTED: the server does not know the operation.
    OpUnsupported = 8,
}

impl StatusCode {
    /// Returns what OpenSSH's sftp-server says of the code. Clients and scripts look for it in a STATUS.
    pub fn words(self) -> &'static str {
        match self {
            Self::Ok => "Success",
            Self::Eof => "End of file",
            Self::NoSuchFile => "No such file",
            Self::PermissionDenied => "Permission denied",
            Self::Failure => "Failure",
            Self::BadMessage => "Bad message",
            Self::OpUnsupported => "Operation unsupported",
        }
    }
}
