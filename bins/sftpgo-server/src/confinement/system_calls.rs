//! Which calls of the system are answered: all but those by which a program becomes another one, looks into others, or
//! changes the system (seccomp, of Linux 3.17 and later).

use std::{collections::BTreeMap, env::consts::ARCH};

use libc::c_long;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

use super::Held;

/// Calls that a server never makes once it runs. They fail with EPERM.
const NEVER: &[c_long] = &[
    // Another program in the place of this one.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Looking into other processes, and changing them.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    // Other views of the system, and other roots.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // The kernel itself.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_quotactl,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    // Wide doors into it, through which many faults were reached.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_fanotify_init,
    libc::SYS_personality,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
];

/// By which x86-64 marks calls of its 32-bit variant, x32.
const X32: c_long = 0x4000_0000;

/// The numbers of `execve`, `ptrace` and `execveat` there.
const NEVER_OF_X32: [c_long; 3] = [520, 521, 545];

/// Confines this thread, and those that it starts, to the other calls.
pub(super) fn confine() -> Held {
    match filter().and_then(|filter| apply_filter(&filter).map_err(|error| error.to_string())) {
        Ok(()) => Held::Whole,
        Err(error) => Held::Not(error),
    }
}

fn filter() -> Result<BpfProgram, String> {
    let arch = TargetArch::try_from(ARCH).map_err(|_| format!("not for {ARCH}"))?;
    let own = NEVER.iter().copied();
    let x32 = NEVER.iter().copied().chain(NEVER_OF_X32);
    let x32 = x32.map(|call| call | X32).filter(|_| ARCH == "x86_64");
    let rules: BTreeMap<i64, _> = own.chain(x32).map(|call| (call, Vec::new())).collect();
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, arch);
    let filter = filter.map_err(|error| error.to_string())?;
    BpfProgram::try_from(filter).map_err(|error| error.to_string())
}
