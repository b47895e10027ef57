//! Options of certificates: names with values, and what the critical ones say.

use crate::wire::{Malformed, Reader};

use super::{certificate::CertificateProblem, source_address};

/// Names and values, up to the first that is none.
#[derive(Debug, Clone)]
pub(super) struct Named<'a>(Reader<'a>);

impl<'a> Named<'a> {
    pub(super) fn new(options: &'a [u8]) -> Self {
        Self(Reader::new(options))
    }

    /// There is nothing but names and values.
    pub(super) fn whole(mut self) -> Result<(), Malformed> {
        while self.next().is_some() {}
        self.0.end()
    }
}

impl<'a> Iterator for Named<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.0.clone();
        let pair = (reader.string().ok()?, reader.string().ok()?);
        self.0 = reader;
        Some(pair)
    }
}

/// What the critical options of a certificate say.
#[derive(Debug, Clone, Default)]
pub(super) struct CriticalOptions<'a> {
    pub(super) force_command: Option<&'a [u8]>,
    pub(super) source_address: Option<&'a [u8]>,
    pub(super) verify_required: bool,
    problem: Option<CertificateProblem>,
}

impl<'a> CriticalOptions<'a> {
    /// Reads them all; the first that cannot be kept is remembered, as the certificate is well-formed in spite of it.
    pub(super) fn read(options: &'a [u8]) -> Result<Self, Malformed> {
        Named::new(options).whole()?;
        let mut found = Self::default();
        for (name, value) in Named::new(options) {
            let taken = found.take(name, value);
            found.problem = found.problem.or(taken.err());
        }
        Ok(found)
    }

    fn take(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), CertificateProblem> {
        let twice = match name {
            b"force-command" => self.force_command.replace(text(value)?).is_some(),
            b"source-address" => {
                let list = text(value)?;
                if !source_address::is_valid(list) {
                    return Err(CertificateProblem::BadOption);
                }
                self.source_address.replace(list).is_some()
            }
            b"verify-required" if value.is_empty() => {
                std::mem::replace(&mut self.verify_required, true)
            }
            b"verify-required" => return Err(CertificateProblem::BadOption),
            _ => return Err(CertificateProblem::UnknownOption),
        };
        match twice {
            true => Err(CertificateProblem::OptionTwice),
            false => Ok(()),
        }
    }

    pub(super) fn check(&self) -> Result<(), CertificateProblem> {
        self.problem.map_or(Ok(()), Err)
    }
}

/// The value of an option with text is a string in a string.
fn text(value: &[u8]) -> Result<&[u8], CertificateProblem> {
    let mut reader = Reader::new(value);
    let text = reader.string().map_err(|_| CertificateProblem::BadOption)?;
    reader.end().map_err(|_| CertificateProblem::BadOption)?;
    Ok(text)
}
