//! Which program this is.

use sftpgo_api::VersionInfo;

/// Returns the version as the API has it. A packager sets date and commit when building.
pub(crate) fn info() -> VersionInfo {
    VersionInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build_date: option_env!("SFTPGO_BUILD_DATE").unwrap_or("").to_owned(),
        commit_hash: option_env!("SFTPGO_COMMIT_HASH").unwrap_or("").to_owned(),
    }
}

/// Returns the version for a person.
pub(crate) fn line() -> String {
    let info = info();
    [
        "sftpgo-server",
        &info.version,
        &info.commit_hash,
        &info.build_date,
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .collect::<Vec<_>>()
    .join(" ")
}
