//! An open file that takes everything and keeps nothing.

use super::look::new_file;
use crate::{
    error::Result,
    filesystem::{File, Metadata, SetAttributes},
};

/// A file that is there, opened for real and left alone, or one that would be made.
pub(super) struct UnchangedFile {
    real: Option<Box<dyn File>>,
}

impl UnchangedFile {
    pub(super) fn of(real: Box<dyn File>) -> Self {
        Self { real: Some(real) }
    }

    pub(super) fn new() -> Self {
        Self { real: None }
    }
}

impl File for UnchangedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.real
            .as_ref()
            .map_or(Ok(0), |real| real.read_at(buffer, offset))
    }

    fn write_all_at(&self, _: &[u8], _: u64) -> Result<()> {
        Ok(())
    }

    fn set_len(&self, _: u64) -> Result<()> {
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn metadata(&self) -> Result<Metadata> {
        self.real
            .as_ref()
            .map_or_else(|| Ok(new_file()), |real| real.metadata())
    }

    fn set_attributes(&self, _: &SetAttributes) -> Result<()> {
        Ok(())
    }
}
