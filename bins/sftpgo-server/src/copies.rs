//! How the C library copies memory, which it can be told only before the program starts.
//!
//! glibc before 2.40 copies 4 KiB and more with `rep movsb`, which on AMD's Zen 3 and later is up to twenty times slower than
//! vectors where source and destination are not aligned alike, as the payload of a packet never is (glibc bugs
//! 30994 and 30995). An upload spent a sixth of its time there.

use std::{env, ffi::CStr, fs, os::unix::process::CommandExt, path::Path, process::Command};

/// Settings of glibc; an operator's own are left alone.
const TUNABLES: &str = "GLIBC_TUNABLES";

/// Begins again as the same process with the setting that avoids it, where it is needed and can be made.
pub(crate) fn make_fast() {
    if env::var_os(TUNABLES).is_some()
        || !fs::read_to_string("/proc/cpuinfo").is_ok_and(|cpus| is_slow_cpu(&cpus))
        || !is_slow_library()
    {
        return;
    }
    let Ok(program) = env::current_exe() else {
        return;
    };
    if is_loader(&program) {
        return;
    }
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_default();
    // It returns only when it failed: then copies stay slow.
    let _failed = Command::new(program)
        .arg0(name)
        .args(arguments)
        .env(TUNABLES, "glibc.cpu.x86_rep_movsb_threshold=1073741824")
        .exec();
    keep_broken_pipes_harmless();
}

/// Was the program given to the dynamic loader as its argument? That is then what runs.
fn is_loader(program: &Path) -> bool {
    let name = program.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b"ld-")
}

/// Trying to begin again sets the signal as programs expect it that are started anew.
#[allow(unsafe_code, reason = "only the C library can ignore a signal")]
fn keep_broken_pipes_harmless() {
    // SAFETY: no handler is installed, and no other thread runs yet.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}

/// Is this AMD's family 19h (Zen 3) or a later one? So says what the system tells of its processors.
fn is_slow_cpu(cpus: &str) -> bool {
    let field = |name| {
        let mut fields = cpus.lines().filter_map(|line| line.split_once(':'));
        fields.find_map(|(key, value)| (key.trim() == name).then(|| value.trim()))
    };
    field("vendor_id") == Some("AuthenticAMD")
        && field("cpu family")
            .and_then(|family| family.parse().ok())
            .is_some_and(|family: u32| family >= 0x19)
}

/// Is the library older than 2.40, and does it listen? Of a program with more rights than its caller it takes no settings,
/// so that beginning again would never end.
#[allow(unsafe_code, reason = "the C library is asked for its version")]
fn is_slow_library() -> bool {
    // SAFETY: both calls only read what the system said at the start; the version is a static string.
    let (version, has_more_rights) = unsafe {
        (
            CStr::from_ptr(libc::gnu_get_libc_version()),
            libc::getauxval(libc::AT_SECURE) != 0,
        )
    };
    let is_old = |version: &str| {
        let (major, minor) = version.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?) < (2, 40))
    };
    !has_more_rights && version.to_str().ok().and_then(is_old) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amd_from_zen_3_on_copies_slowly() {
        for (cpus, slow) in [
            ("vendor_id\t: AuthenticAMD\ncpu family\t: 25\n", true),
            (
                "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 26\n",
                true,
            ),
            ("vendor_id\t: AuthenticAMD\ncpu family\t: 23\n", false),
            ("vendor_id\t: GenuineIntel\ncpu family\t: 25\n", false),
            ("", false),
        ] {
            assert_eq!(is_slow_cpu(cpus), slow, "{cpus}");
        }
    }
}
