//! `md5sum` and its sisters, as coreutils has them: `HASH  NAME` for each file, or for standard input.

use std::collections::VecDeque;

use md5::{Digest as _, Md5};
use ring::digest;
use sftpgo_core::{VirtualPath, filesystem::File, hex::hex, session::Session};

use crate::{
    error_text::error_text,
    exec_program::{PIECE, Program, Step, Streams},
    shell_words::Word,
};

/// The hash that is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// A command that computes checksums.
pub(super) struct Digest {
    session: Session,
    command: &'static str,
    algorithm: Algorithm,
    names: VecDeque<Word>,
    current: Option<Computing>,
    buffer: Vec<u8>,
    usage: Option<String>,
    failed: bool,
}

/// What is being read, standard input or a file, with its hash so far.
struct Computing {
    name: Vec<u8>,
    hash: Hash,
    from: From,
}

enum From {
    Input,
    File(Box<dyn File>, u64),
}

enum Hash {
    Md5(Md5),
    Sha(digest::Context),
}

impl Digest {
    /// Computes over the files that `words` name; without any, over standard input.
    pub(super) fn new(
        session: Session,
        command: &'static str,
        algorithm: Algorithm,
        words: &[Word],
    ) -> Self {
        let (names, usage) = match names(words) {
            Ok(names) => (names, None),
            Err(option) => (
                VecDeque::new(),
                Some(format!("option {option} is not offered here")),
            ),
        };
        Self {
            session,
            command,
            algorithm,
            names,
            current: None,
            buffer: Vec::new(),
            usage,
            failed: false,
        }
    }

    fn next(&mut self, streams: &mut Streams) -> Step {
        let Some(word) = self.names.pop_front() else {
            return Step::Done(u32::from(self.failed));
        };
        let from = match word.bytes() {
            b"-" => Ok(From::Input),
            _ => self.open(&word),
        };
        match from {
            Ok(from) => {
                self.current = Some(Computing {
                    name: word.bytes().to_vec(),
                    hash: Hash::new(self.algorithm),
                    from,
                });
            }
            Err(error) => self.complain(streams, word.bytes(), &error_text(&error)),
        }
        Step::Continue
    }

    fn open(&self, word: &Word) -> sftpgo_core::Result<From> {
        let path = VirtualPath::parse(word.without_tilde().bytes())?;
        Ok(From::File(self.session.open_content(&path)?, 0))
    }

    fn read_input(&mut self, mut computing: Computing, streams: &mut Streams) -> Step {
        let input = streams.input();
        let piece = input.get(..PIECE).unwrap_or(input);
        let count = piece.len();
        computing.hash.update(piece);
        if count > 0 {
            streams.consume(count);
        } else if streams.input_ended() {
            computing.write(&mut streams.stdout);
            return Step::Continue;
        }
        self.current = Some(computing);
        if count > 0 {
            Step::Continue
        } else {
            Step::NeedInput
        }
    }

    fn read_file(
        &mut self,
        mut computing: Computing,
        file: Box<dyn File>,
        offset: u64,
        streams: &mut Streams,
    ) -> Step {
        self.buffer.resize(PIECE, 0);
        match file.read_at(&mut self.buffer, offset) {
            Ok(0) => computing.write(&mut streams.stdout),
            Ok(count) => {
                computing
                    .hash
                    .update(self.buffer.get(..count).unwrap_or_default());
                computing.from = From::File(file, offset + count as u64);
                self.current = Some(computing);
            }
            Err(error) => self.complain(streams, &computing.name, &error_text(&error)),
        }
        Step::Continue
    }

    fn complain(&mut self, streams: &mut Streams, name: &[u8], problem: &str) {
        self.failed = true;
        let text = [
            self.command.as_bytes(),
            b": ",
            name,
            b": ",
            problem.as_bytes(),
        ];
        // One line, whatever a name holds: a client prints it on a terminal.
        let line = text.into_iter().flatten().map(|byte| match byte {
            control if control.is_ascii_control() => b'?',
            other => *other,
        });
        streams.stderr.extend(line);
        streams.stderr.push(b'\n');
    }
}

impl Program for Digest {
    fn step(&mut self, streams: &mut Streams) -> Step {
        if streams.output_lost() {
            return Step::Done(1);
        }
        // Computing is activity, however large the file is.
        self.session.connection().touch();
        if let Some(usage) = self.usage.take() {
            streams
                .stderr
                .extend_from_slice(format!("{}: {usage}\n", self.command).as_bytes());
            return Step::Done(1);
        }
        let Some(mut computing) = self.current.take() else {
            return self.next(streams);
        };
        match std::mem::replace(&mut computing.from, From::Input) {
            From::Input => self.read_input(computing, streams),
            From::File(file, offset) => self.read_file(computing, file, offset, streams),
        }
    }
}

impl Computing {
    /// A name with a newline or a backslash is escaped, and a backslash before the line says so.
    fn write(self, out: &mut Vec<u8>) {
        let escaped: Vec<u8> = self
            .name
            .iter()
            .flat_map(|byte| match byte {
                b'\\' => b"\\\\",
                b'\n' => b"\\n",
                b'\r' => b"\\r",
                other => std::slice::from_ref(other),
            })
            .copied()
            .collect();
        if escaped != self.name {
            out.push(b'\\');
        }
        let hash = self.hash.finish();
        out.extend_from_slice(hex(&hash).as_bytes());
        out.extend_from_slice(b"  ");
        out.extend_from_slice(&escaped);
        out.push(b'\n');
    }
}

impl Hash {
    fn new(algorithm: Algorithm) -> Self {
        let sha = match algorithm {
            Algorithm::Md5 => return Self::Md5(Md5::new()),
            Algorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::Sha256 => &digest::SHA256,
            Algorithm::Sha384 => &digest::SHA384,
            Algorithm::Sha512 => &digest::SHA512,
        };
        Self::Sha(digest::Context::new(sha))
    }

    fn update(&mut self, data: &[u8]) {
        match self {
            Self::Md5(hash) => hash.update(data),
            Self::Sha(hash) => hash.update(data),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Md5(hash) => hash.finalize().to_vec(),
            Self::Sha(hash) => hash.finish().as_ref().to_vec(),
        }
    }
}

/// The names among the words; standard input when there is none.
///
/// # Errors
/// The option that there is.
fn names(words: &[Word]) -> Result<VecDeque<Word>, String> {
    let mut names: VecDeque<Word> = VecDeque::new();
    let mut options = true;
    for word in words {
        match word.bytes() {
            b"--" if options => options = false,
            option if options && option.len() > 1 && option.starts_with(b"-") => {
                return Err(format!("{:?}", String::from_utf8_lossy(option)));
            }
            _ => names.push_back(word.clone()),
        }
    }
    if names.is_empty() {
        names.push_back(Word::from_bytes(b"-"));
    }
    Ok(names)
}
