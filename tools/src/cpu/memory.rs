//! Memory of processes, from `/proc/PID/smaps_rollup`.

use std::fs;

/// Memory in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Pages of the processes, those that they share counted once for each.
    pub rss: u64,
    /// Pages of the processes, those that they share divided among those who share them.
    pub pss: u64,
}

/// The memory of these processes together; those that have ended have none.
pub(super) fn of(processes: &[i32]) -> Memory {
    let mut sum = Memory::default();
    for pid in processes {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        sum.rss += field(&rollup, "Rss:");
        sum.pss += field(&rollup, "Pss:");
    }
    sum
}

fn field(rollup: &str, name: &str) -> u64 {
    let line = rollup.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_fields_of_the_kernel() {
        let rollup = "55d0-7ffc ---p 00000000 00:00 0   [rollup]\nRss:    1884 kB\nPss:     200 kB\nPss_Dirty: 96 kB\n";
        assert_eq!(field(rollup, "Rss:"), 1884 * 1024);
        assert_eq!(field(rollup, "Pss:"), 200 * 1024);
        assert_eq!(field("", "Pss:"), 0);
    }
}
