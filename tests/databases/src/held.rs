//! Rows that somebody else keeps locked.

use std::{
    io::{BufRead, BufReader, Write},
    process::Child,
};

use crate::Server;

/// What a transaction has locked, until this is dropped.
pub struct Held {
    client: Child,
}

impl Server {
    /// Begins a transaction with a SELECT that locks a row, and waits until it has done so.
    pub fn hold(&self, database: &str, select: &str) -> Held {
        let mut client = self.client(database).spawn().unwrap();
        let input = client.stdin.as_mut().unwrap();
        input
            .write_all(format!("BEGIN;\n{select};\n").as_bytes())
            .unwrap();
        let mut row = String::new();
        let mut output = BufReader::new(client.stdout.as_mut().unwrap());
        output.read_line(&mut row).unwrap();
        assert!(!row.is_empty(), "nothing was locked by {select}");
        Held { client }
    }
}

impl Held {
    /// Has nothing ended the transaction?
    pub fn is_held(&mut self) -> bool {
        self.client.try_wait().unwrap().is_none()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The end of its input is the client's, and a rollback.
        drop(self.client.stdin.take());
        let _ = self.client.wait();
    }
}
