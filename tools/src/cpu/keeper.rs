//! A process between this program and a server, that inherits whatever the server's processes leave behind.
//!
//! It answers a line on its standard input with the CPU time of everything below it, and ends it all when its standard
//! input ends: when it is dropped, and also when this program dies of what nobody can catch.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{self, Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use rustix::{
    io::Errno,
    process::{
        Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, set_child_subreaper, wait,
        waitid,
    },
};

use super::{CpuTime, tree};
use crate::wrap::wrap;

/// The process, seen from outside.
pub(super) struct Keeper {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    pub(super) fn spawn(keeper: &Path, command: &Command, complaints: &Path) -> Result<Self> {
        let mut own = Command::new(keeper);
        own.arg("keep");
        let mut child = wrap(own, command)
            // Ctrl-C is for the program that was started by hand; it ends the others in order.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(complaints)?)
            .spawn()
            .with_context(|| format!("{} cannot be started", keeper.display()))?;
        let questions = child.stdin.take();
        let answers = child.stdout.take().context("the keeper has no output")?;
        Ok(Self {
            child,
            questions,
            answers: BufReader::new(answers),
        })
    }

    #[expect(
        clippy::cast_possible_wrap,
        reason = "the kernel's process ids are below 2^22"
    )]
    pub(super) fn id(&self) -> i32 {
        self.child.id() as i32
    }

    pub(super) fn cpu(&mut self) -> Result<CpuTime> {
        let questions = self.questions.as_mut().context("the keeper was stopped")?;
        questions.write_all(b"\n").context("the keeper has gone")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let micros = |text: Option<&str>| Some(Duration::from_micros(text?.parse().ok()?));
        let mut words = line.split_whitespace();
        let time = micros(words.next()).zip(micros(words.next()));
        let (user, system) = time.context("the keeper has gone")?;
        Ok(CpuTime { user, system })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.questions = None;
        let _ = self.child.wait();
    }
}

/// Runs a program as its subreaper, for [`super::Processes`].
///
/// # Errors
///
/// The program cannot be started.
pub fn keep(program: &OsStr, arguments: &[OsString]) -> Result<()> {
    set_child_subreaper(Some(rustix::process::getpid()))?;
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    // Held while a process is buried: until then /proc has its time, and afterwards the sum of the buried has it.
    let burial = Arc::new(Mutex::new(()));
    let undertaker = Arc::clone(&burial);
    thread::spawn(move || bury(&undertaker));
    for _ in io::stdin().lock().lines().map_while(Result::ok) {
        let time = {
            let _still = burial.lock().unwrap_or_else(PoisonError::into_inner);
            spent()?
        };
        writeln!(
            io::stdout(),
            "{} {}",
            time.user.as_micros(),
            time.system.as_micros()
        )?;
    }
    end_all();
    Ok(())
}

fn bury(burial: &Mutex<()>) {
    loop {
        match waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(_) => {
                let _held = burial.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = wait(WaitOptions::NOHANG);
            }
            Err(Errno::INTR) => {}
            // No children: none will come any more, for there is nobody who could leave one.
            Err(_) => return,
        }
    }
}

/// What was spent by those who were buried, and by those who are alive.
fn spent() -> Result<CpuTime> {
    Ok(super::of_ended_children()? + tree::cpu_below(own_id()))
}

/// Kills everything below, and what these leave behind, until nothing is there. Whose parent dies while it is looked for
/// may be missed; but whoever is left is this process's child in the end, and the kernel knows of all these.
fn end_all() {
    let no_wait = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    while !matches!(waitid(WaitId::All, no_wait), Err(Errno::CHILD)) {
        for pid in tree::below(own_id()).into_iter().filter_map(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[expect(
    clippy::cast_possible_wrap,
    reason = "the kernel's process ids are below 2^22"
)]
fn own_id() -> i32 {
    process::id() as i32
}
