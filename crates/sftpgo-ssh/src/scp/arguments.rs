//! The command line of the remote half of scp.

use crate::shell_words::Word;

/// Options of the half that connects (OpenSSH's scp.c). Wrappers hand them on to this one, where they mean nothing.
const FOR_THE_OTHER_HALF: &[u8] = b"12346ABCOqRsTv";
/// Options of that half which have a value.
const WITH_VALUE: &[u8] = b"DFJMPSXcilo";

/// What an scp client asked for when it started the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// `-f`: send files; else `-t`: take them.
    pub from: bool,
    /// `-r`: directories too.
    pub recursive: bool,
    /// `-p`: times and exact modes.
    pub preserve: bool,
    /// `-d`: the target has to be a directory.
    pub to_directory: bool,
    /// The files to send, or the place for what comes.
    pub paths: Vec<Word>,
}

/// Why a command line is not one of scp's remote half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub &'static str);

impl Arguments {
    /// Reads the words behind `scp`.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn parse(words: &[Word]) -> Result<Self, Refused> {
        let mut found = Self {
            from: false,
            recursive: false,
            preserve: false,
            to_directory: false,
            paths: Vec::new(),
        };
        let mut to = false;
        let mut words = words.iter().peekable();
        while let Some(word) = words.next_if(|word| is_option(word)) {
            if word.bytes() == b"--" {
                break;
            }
            let mut flags = word.bytes().iter().skip(1).peekable();
            while let Some(flag) = flags.next() {
                match flag {
                    b'f' => found.from = true,
                    b't' => to = true,
                    b'r' => found.recursive = true,
                    b'p' => found.preserve = true,
                    b'd' => found.to_directory = true,
                    flag if FOR_THE_OTHER_HALF.contains(flag) => {}
                    flag if WITH_VALUE.contains(flag) => {
                        // The value is the rest of the word or else the next one.
                        if flags.peek().is_none() && words.next().is_none() {
                            return Err(Refused("an option needs a value"));
                        }
                        break;
                    }
                    _ => return Err(Refused("unknown option")),
                }
            }
        }
        found.paths = words.cloned().collect();
        if found.from == to {
            return Err(Refused("either -f or -t is needed"));
        }
        match found.paths.len() {
            0 => Err(Refused("a path is needed")),
            1 => Ok(found),
            _ if to => Err(Refused("ambiguous target")),
            _ => Ok(found),
        }
    }
}

fn is_option(word: &Word) -> bool {
    word.bytes().len() > 1 && word.bytes().starts_with(b"-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell_words::split;

    fn parse(line: &str) -> Result<Arguments, Refused> {
        Arguments::parse(&split(line.as_bytes()).unwrap())
    }

    #[test]
    fn flags_stand_alone_or_together() {
        for line in ["-v -r -p -d -t -- x", "-rp -dvqt x", "-rpdt -- x"] {
            let found = parse(line).unwrap();
            assert!(found.recursive && found.preserve && found.to_directory && !found.from);
            assert_eq!(found.paths[0].bytes(), b"x");
        }
        let found = parse("-f -- -x y '*'").unwrap();
        assert!(found.from && !found.recursive && !found.preserve && !found.to_directory);
        assert_eq!(found.paths.len(), 3);
        assert_eq!(parse("-t -").unwrap().paths[0].bytes(), b"-");
    }

    #[test]
    fn options_of_the_other_half_mean_nothing() {
        for line in [
            "-l 100 -t x",
            "-l100 -t x",
            "-vl 100 -o 'User -r' -t x",
            "-c aes128-ctr -i key -P22 -F none -S ssh -J a -X nrequests=1 -D s -t x",
            "-1 -2 -3 -4 -6 -A -B -C -O -R -T -q -s -t -- x",
            "-to -r x",
        ] {
            let found = parse(line).unwrap();
            assert!(!found.from && !found.recursive && !found.preserve, "{line}");
            assert_eq!(found.paths.len(), 1, "{line}");
            assert_eq!(found.paths[0].bytes(), b"x", "{line}");
        }
    }

    #[test]
    fn what_no_client_sends_is_refused() {
        for line in [
            "", "-r x", "-t", "-f", "-t a b", "-f -t x", "-Z -t y", "-t -l", "-tl", "x -t",
            "-t --", "--help",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
