//! `audit verify`: are these files of the audit log as they were written?

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use flate2::bufread::MultiGzDecoder;
use sftpgo_audit::{FileReport, Verifier, first_number};

use crate::{
    audit_log::{head_of, read_key},
    cli::AuditVerify,
    config::Problem,
    terminal,
};

/// No first line is longer.
const LONGEST_LINE: u64 = 256 * 1024;
/// A longer file is no head.
const LONGEST_HEAD: u64 = 4096;

/// Says of each file what was found in it.
pub(crate) fn run(asked: &AuditVerify) -> ExitCode {
    match verify(asked) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            terminal::complain(&format!("error: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn verify(asked: &AuditVerify) -> Result<bool, Problem> {
    let keys: Result<Vec<_>, _> = asked.key_file.iter().map(|file| read_key(file)).collect();
    let mut verifier = Verifier::new(keys?);
    let files = in_order(&asked.files)?;
    let count = files.len();
    let mut is_good = true;
    for (index, path) in files.iter().enumerate() {
        let report = open(path)
            .and_then(|lines| {
                let head = read_head(path)?;
                verifier.file(lines, head.as_deref(), index + 1 < count)
            })
            .map_err(of_file(path))?;
        say(path, &report);
        is_good &= report.is_good();
    }
    Ok(is_good)
}

fn say(path: &Path, report: &FileReport) {
    let name = path.display();
    for finding in &report.findings {
        terminal::say(&match finding.line {
            Some(line) => format!("{name}: line {line} {}", finding.problem),
            None => format!("{name}: the file {}", finding.problem),
        });
    }
    if report.more_findings > 0 {
        terminal::say(&format!("{name}: and {} more", report.more_findings));
    }
    for note in &report.notes {
        terminal::say(&format!("{name}: note: {note}"));
    }
    let is_good = if report.is_good() { "good" } else { "NOT GOOD" };
    terminal::say(&match (report.first, report.last) {
        (Some(first), Some(last)) => format!(
            "{name}: {is_good}: numbers {first} to {}, SHA-256 of the last line {}",
            last.number, last.digest
        ),
        _ => format!("{name}: {is_good}: no lines"),
    });
}

/// By the number of the first line. A file whose first line is none comes first, and what is wrong with it is said.
fn in_order(files: &[PathBuf]) -> Result<Vec<PathBuf>, Problem> {
    let mut numbered = Vec::new();
    for path in files {
        let number = open(path).and_then(first_line).map_err(of_file(path))?;
        numbered.push((number, path.clone()));
    }
    // A file without lines is the one that was begun last.
    numbered.sort_by_key(|(number, _)| *number);
    Ok(numbered.into_iter().map(|(_, path)| path).collect())
}

fn first_line(lines: Box<dyn BufRead>) -> io::Result<u64> {
    let mut line = Vec::new();
    lines.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(u64::MAX);
    }
    Ok(line.strip_suffix(b"\n").and_then(first_number).unwrap_or(0))
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let file = BufReader::with_capacity(64 * 1024, File::open(path)?);
    Ok(if is_compressed(path) {
        Box::new(BufReader::new(MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    })
}

/// The head keeps its name when its file is compressed.
fn read_head(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let plain = if is_compressed(path) {
        path.with_extension("")
    } else {
        path.to_owned()
    };
    let mut head = Vec::new();
    match fs::File::open(head_of(&plain)) {
        Ok(file) => file.take(LONGEST_HEAD).read_to_end(&mut head)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(head))
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

fn of_file(path: &Path) -> impl Fn(io::Error) -> Problem {
    let name = path.display().to_string();
    move |error| Problem::new(&name, error.to_string())
}
