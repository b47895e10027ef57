//! Process trees as /proc shows them.

use std::{collections::HashMap, fs, time::Duration};

use anyhow::{Context, Result};

use super::CpuTime;

/// What `/proc/PID/stat` tells of a process.
#[derive(Clone, Copy, Debug)]
struct Process {
    parent: i32,
    own: CpuTime,
    /// Of children that have ended and were waited for, and of theirs.
    ended: CpuTime,
}

/// An error where there is no such process.
pub(super) fn require(pid: i32) -> Result<()> {
    read(pid)
        .map(drop)
        .with_context(|| format!("there is no process {pid}"))
}

/// The processes below one, without it.
pub(super) fn below(root: i32) -> Vec<i32> {
    descendants(root, &all())
}

/// A process and those below it.
pub(super) fn from(root: i32) -> Vec<i32> {
    let mut found = below(root);
    found.push(root);
    found
}

/// CPU time of the processes below one, with what they waited for, without it.
pub(super) fn cpu_below(root: i32) -> CpuTime {
    let all = all();
    sum(&descendants(root, &all), &all)
}

/// CPU time of a process and of those below it, with what they waited for.
pub(super) fn cpu_from(root: i32) -> CpuTime {
    let all = all();
    let mut found = descendants(root, &all);
    found.push(root);
    sum(&found, &all)
}

fn sum(processes: &[i32], all: &HashMap<i32, Process>) -> CpuTime {
    let known = processes.iter().filter_map(|pid| all.get(pid));
    known.map(|process| process.own + process.ended).sum()
}

fn descendants(root: i32, all: &HashMap<i32, Process>) -> Vec<i32> {
    let mut children = HashMap::<i32, Vec<i32>>::new();
    for (pid, process) in all {
        children.entry(process.parent).or_default().push(*pid);
    }
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(parent) = open.pop() {
        // Taken out, so that pids that changed their meaning while /proc was read cannot make a circle.
        for pid in children.remove(&parent).unwrap_or_default() {
            found.push(pid);
            open.push(pid);
        }
    }
    found
}

fn all() -> HashMap<i32, Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return HashMap::new();
    };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, read(pid)?))).collect()
}

fn read(pid: i32) -> Option<Process> {
    parse(
        &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?,
        rustix::param::clock_ticks_per_second(),
    )
}

/// The fields are in proc(5); the name, in brackets, may have anything in it.
fn parse(stat: &str, ticks_per_second: u64) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |index: usize| {
        let ticks: u64 = fields.get(index)?.parse().ok()?;
        Some(Duration::from_micros(
            ticks.saturating_mul(1_000_000) / ticks_per_second.max(1),
        ))
    };
    Some(Process {
        parent: fields.get(1)?.parse().ok()?,
        own: CpuTime {
            user: ticks(11)?,
            system: ticks(12)?,
        },
        ended: CpuTime {
            user: ticks(13)?,
            system: ticks(14)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line_of_the_kernel_whatever_the_name_is() {
        let stat =
            "42 (a) S 1 (b)) R 7 42 42 0 -1 4194560 1 2 3 4 150 25 300 50 20 0 1 0 9 10 11\n";
        let process = parse(stat, 100).unwrap();
        assert_eq!(process.parent, 7);
        assert_eq!(process.own.user, Duration::from_millis(1500));
        assert_eq!(process.own.system, Duration::from_millis(250));
        assert_eq!(process.ended.total(), Duration::from_millis(3500));
        assert!(parse("42 (cut", 100).is_none());
    }

    #[test]
    fn finds_what_is_below_and_nothing_beside() {
        let process = |parent| Process {
            parent,
            own: CpuTime::default(),
            ended: CpuTime::default(),
        };
        let all = HashMap::from([
            (2, process(1)),
            (3, process(2)),
            (4, process(3)),
            (5, process(1)),
            (6, process(6)),
        ]);
        let mut found = descendants(2, &all);
        found.sort_unstable();
        assert_eq!(found, [3, 4]);
        assert_eq!(descendants(6, &all), [6]);
    }
}
