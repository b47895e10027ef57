//! Open handles of one session: bounded, and never the same twice.

use sftpgo_core::{Error, ErrorKind, Result, session::Listing, transfer::Transfer};

use crate::config::Limits;

/// What a handle stands for.
pub(super) enum OpenHandle {
    File(Transfer),
    Directory(Listing),
}

/// The handles of one session.
pub(super) struct Handles {
    slots: Vec<Slot>,
    most: usize,
    most_directories: usize,
}

#[derive(Default)]
struct Slot {
    /// Counts the uses of this slot, so that a closed handle is not taken for its successor.
    generation: u32,
    open: Option<OpenHandle>,
}

impl Handles {
    /// Makes the handles of a session: none is open, and never are more than the limits allow.
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            slots: Vec::new(),
            most: limits.handles_per_session,
            most_directories: limits.directories_per_session,
        }
    }

    /// Returns how many may be open at once.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Is there room for one more? Asked before anything is opened for it.
    pub(super) fn check_room(&self) -> Result<()> {
        if self.slots.len() < self.most || self.slots.iter().any(|slot| slot.open.is_none()) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::LimitReached,
            format!("too many open handles: {}", self.most),
        ))
    }

    /// Checks that a directory may be opened too.
    pub(super) fn check_room_for_directory(&self) -> Result<()> {
        self.check_room()?;
        let is_directory = |slot: &&Slot| matches!(slot.open, Some(OpenHandle::Directory(_)));
        if self.slots.iter().filter(is_directory).count() < self.most_directories {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::LimitReached,
            format!("too many open directories: {}", self.most_directories),
        ))
    }

    /// Keeps `open` and returns its handle.
    pub(super) fn insert(&mut self, open: OpenHandle) -> Result<[u8; 8]> {
        self.check_room()?;
        let index = self
            .slots
            .iter()
            .position(|slot| slot.open.is_none())
            .unwrap_or_else(|| {
                self.slots.push(Slot::default());
                self.slots.len() - 1
            });
        let Some(slot) = self.slots.get_mut(index) else {
            return Err(unknown());
        };
        slot.generation = slot.generation.wrapping_add(1);
        slot.open = Some(open);
        Ok(name(index, slot.generation))
    }

    /// The file behind a handle.
    pub(super) fn file(&mut self, handle: &[u8]) -> Result<&mut Transfer> {
        match self.find(handle)?.open.as_mut() {
            Some(OpenHandle::File(transfer)) => Ok(transfer),
            Some(OpenHandle::Directory(_)) => Err(Error::new(
                ErrorKind::IsADirectory,
                "the handle is of a directory",
            )),
            None => Err(unknown()),
        }
    }

    /// The files behind two handles, which must not be the same.
    pub(super) fn two_files(
        &mut self,
        one: &[u8],
        other: &[u8],
    ) -> Result<(&mut Transfer, &mut Transfer)> {
        // Asked one by one first, for their errors.
        self.file(one)?;
        self.file(other)?;
        let index = |handle| parse(handle).map_or(usize::MAX, |(index, _)| index);
        let both = self
            .slots
            .get_disjoint_mut([index(one), index(other)])
            .map_err(|_| Error::new(ErrorKind::Invalid, "the two handles are the same"))?;
        match both.map(|slot| slot.open.as_mut()) {
            [Some(OpenHandle::File(one)), Some(OpenHandle::File(other))] => Ok((one, other)),
            _ => Err(unknown()),
        }
    }

    /// The directory behind a handle.
    pub(super) fn directory(&mut self, handle: &[u8]) -> Result<&mut Listing> {
        match self.find(handle)?.open.as_mut() {
            Some(OpenHandle::Directory(listing)) => Ok(listing),
            Some(OpenHandle::File(_)) => {
                Err(Error::new(ErrorKind::Invalid, "the handle is of a file"))
            }
            None => Err(unknown()),
        }
    }

    /// Returns what a handle stands for, a file or a directory.
    pub(super) fn any(&mut self, handle: &[u8]) -> Result<&mut OpenHandle> {
        self.find(handle)?.open.as_mut().ok_or_else(unknown)
    }

    /// Forgets a handle and returns what it stood for.
    pub(super) fn remove(&mut self, handle: &[u8]) -> Result<OpenHandle> {
        self.find(handle)?.open.take().ok_or_else(unknown)
    }

    fn find(&mut self, handle: &[u8]) -> Result<&mut Slot> {
        let (index, generation) = parse(handle).ok_or_else(unknown)?;
        self.slots
            .get_mut(index)
            .filter(|slot| slot.generation == generation)
            .ok_or_else(unknown)
    }
}

fn name(index: usize, generation: u32) -> [u8; 8] {
    // The bound on handles keeps the index far below 2^32.
    ((index as u64) << 32 | u64::from(generation)).to_be_bytes()
}

fn parse(handle: &[u8]) -> Option<(usize, u32)> {
    let both = u64::from_be_bytes(handle.try_into().ok()?);
    Some((usize::try_from(both >> 32).ok()?, both as u32))
}

fn unknown() -> Error {
    Error::new(ErrorKind::Invalid, "no such handle")
}
