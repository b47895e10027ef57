//! The CPU time of a process tree is counted whole: that of children that have ended, of one that was orphaned, and of
//! a grandchild that is still alive. What is right, the processes tell themselves.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fmt::Display,
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use sftpgo_tools::cpu::{Method, Processes};
use tempfile::TempDir;

/// Burns CPU time and then tells how much, and that it is done. `times` is the shell's getrusage.
const BURN: &str = r#"
burn() {
    i=0
    while [ $i -lt 800000 ]; do i=$((i + 1)); done
    times >"$directory/$1.new"
    mv "$directory/$1.new" "$directory/$1"
}
"#;

/// The part that is alive goes on as a program that does nothing, so that its time stays what it told.
const TREE: &str = r#"
(burn ended)
(burn orphaned &)
((burn alive; echo $(sh -c 'echo $PPID') >"$directory/pid"; exec sleep 1000); :) &
wait
"#;

const PARTS: [&str; 3] = ["ended", "orphaned", "alive"];

struct Tree {
    directory: TempDir,
    processes: Processes,
}

impl Tree {
    fn start(method: Method) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", &format!("{BURN}{TREE}")])
            .env("directory", directory.path());
        let keeper = Path::new(env!("CARGO_BIN_EXE_sftpgo-tools"));
        let complaints = directory.path().join("complaints");
        let processes = Processes::launch(keeper, method, command, &complaints).unwrap();
        Self {
            directory,
            processes,
        }
    }

    fn told(&self) -> Vec<Duration> {
        let files = PARTS.map(|part| self.directory.path().join(part));
        wait_until(|| match files.iter().all(|file| file.exists()) {
            true => Ok(()),
            false => Err("the processes have not burnt their time"),
        });
        let told = files
            .iter()
            .map(|file| own_time(&fs::read_to_string(file).unwrap()));
        told.collect()
    }

    fn alive(&self) -> String {
        let file = self.directory.path().join("pid");
        wait_until(|| match file.exists() {
            true => Ok(()),
            false => Err("the last process is not there"),
        });
        fs::read_to_string(file).unwrap().trim().to_owned()
    }
}

/// The first line of `times`: user and system time of the shell, as `0m1.250000s 0m0.010000s`.
fn own_time(times: &str) -> Duration {
    let words = times.lines().next().unwrap().split_whitespace();
    words
        .map(|word| {
            let (minutes, seconds) = word.trim_end_matches('s').split_once('m').unwrap();
            let minutes: u64 = minutes.parse().unwrap();
            Duration::from_secs(minutes * 60) + Duration::from_secs_f64(seconds.parse().unwrap())
        })
        .sum()
}

/// Waits for a fact, of which is told why it does not hold yet.
fn wait_until<Why: Display>(mut holds: impl FnMut() -> Result<(), Why>) {
    let start = Instant::now();
    while let Err(why) = holds() {
        assert!(start.elapsed() < Duration::from_secs(300), "{why}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A part that is missed or counted twice is twice as far outside as half of the smallest one, which starting shells and
/// the clock's ticks stay within. On a busy machine the last processes end late, and what is counted is right once they have.
fn counts_everything(method: Method) {
    let mut tree = Tree::start(method);
    let told = tree.told();
    let right: Duration = told.iter().sum();
    let half_a_part = told.iter().min().unwrap().div_f64(2.0);
    wait_until(|| {
        let counted = tree.processes.cpu().unwrap().total();
        if counted.abs_diff(right) < half_a_part {
            return Ok(());
        }
        let method = tree.processes.method();
        Err(format!(
            "{counted:?} were counted by {method}, {told:?} were spent"
        ))
    });
}

#[test]
fn a_subreaper_counts_everything() {
    counts_everything(Method::Subreaper);
}

/// By a cgroup where this system lets us make one; elsewhere as above.
#[test]
fn the_best_method_counts_everything() {
    counts_everything(Method::Best);
}

#[test]
fn nothing_is_left_when_the_processes_are_dropped() {
    for method in [Method::Subreaper, Method::Best] {
        let tree = Tree::start(method);
        let alive = tree.alive();
        let process = Path::new("/proc").join(&alive);
        assert!(process.exists(), "{alive}");
        drop(tree);
        wait_until(|| match process.exists() {
            true => Err("the orphan lives on"),
            false => Ok(()),
        });
    }
}
