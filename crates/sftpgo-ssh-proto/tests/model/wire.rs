//! The data types of RFC 4251 section 5, as a client writes and reads them.

/// A message that is being written.
#[derive(Clone)]
pub(crate) struct Message(Vec<u8>);

pub(crate) fn message(number: u8) -> Message {
    Message(vec![number])
}

impl Message {
    pub(crate) fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(crate) fn bool(self, value: bool) -> Self {
        self.u8(u8::from(value))
    }

    pub(crate) fn u32(self, value: u32) -> Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn string(self, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.u32(u32::try_from(value.len()).unwrap()).raw(value)
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

pub(crate) fn string(value: impl AsRef<[u8]>) -> Vec<u8> {
    message(0).string(value).done().split_off(1)
}

/// A number of high bytes first, as RFC 4251 has it.
pub(crate) fn mpint(value: &[u8]) -> Vec<u8> {
    let zeros = value.iter().take_while(|byte| **byte == 0).count();
    let mut number = value[zeros..].to_vec();
    if number.first().is_some_and(|first| first & 0x80 != 0) {
        number.insert(0, 0);
    }
    string(number)
}

/// A message of the server that is being read; what is missing is a failure of the test.
#[derive(Clone, Debug)]
pub(crate) struct Parse<'a>(pub(crate) &'a [u8]);

impl<'a> Parse<'a> {
    /// Behind the number, which is checked.
    pub(crate) fn of(payload: &'a [u8], number: u8) -> Self {
        assert_eq!(payload[0], number, "another message: {payload:?}");
        Self(&payload[1..])
    }

    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        bytes
    }

    pub(crate) fn u8(&mut self) -> u8 {
        self.take(1)[0]
    }

    pub(crate) fn bool(&mut self) -> bool {
        self.u8() != 0
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.take(4).try_into().unwrap())
    }

    pub(crate) fn string(&mut self) -> &'a [u8] {
        let count = usize::try_from(self.u32()).unwrap();
        self.take(count)
    }

    pub(crate) fn text(&mut self) -> String {
        String::from_utf8(self.string().to_vec()).unwrap()
    }

    pub(crate) fn names(&mut self) -> Vec<String> {
        let text = self.text();
        text.split(',')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    }

    pub(crate) fn end(self) {
        assert_eq!(self.0, b"", "something follows");
    }
}
