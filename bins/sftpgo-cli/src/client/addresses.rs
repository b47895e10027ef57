//! The defender's hosts, and lists of addresses.

use serde_json::{Value, json};
use ureq::http::Method;

use super::{Client, encoded};
use crate::{
    cli::List,
    exit::{Failure, Result},
    wire::Answer,
};

/// The largest page of a list.
const PAGE: usize = 500;

impl Client {
    pub(crate) fn defender_hosts(&self) -> Result<Vec<Value>> {
        self.get("v2/defender/hosts")
    }

    /// None if there is nothing to take back.
    pub(crate) fn forget_host(&self, address: &str) -> Result<Option<Answer>> {
        let id: String = address.bytes().map(|byte| format!("{byte:02x}")).collect();
        found(self.delete(&format!("v2/defender/hosts/{id}")))
    }

    /// All entries, however many pages they take.
    pub(crate) fn list_entries(&self, list: List) -> Result<Vec<Value>> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let from = all
                .last()
                .and_then(|entry| entry.get("ipornet"))
                .and_then(Value::as_str)
                .map(encoded)
                .unwrap_or_default();
            let number = list.number();
            let page: Vec<Value> =
                self.get(&format!("v2/iplists/{number}?limit={PAGE}&from={from}"))?;
            let is_last = page.len() < PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// None if there is no such entry.
    pub(crate) fn list_entry(&self, list: List, network: &str) -> Result<Option<Value>> {
        found(self.get(&entry(list, network)))
    }

    pub(crate) fn add_list_entry(
        &self,
        list: List,
        network: &str,
        deny: bool,
        description: &str,
    ) -> Result<Answer> {
        let mode = if deny { 2 } else { 1 };
        let body = json!({
            "ipornet": network, "type": list.number(), "mode": mode, "description": description,
        });
        self.send(
            Method::POST,
            &format!("v2/iplists/{}", list.number()),
            &body,
        )
    }

    pub(crate) fn delete_list_entry(&self, list: List, network: &str) -> Result<Answer> {
        self.delete(&entry(list, network))
    }
}

fn entry(list: List, network: &str) -> String {
    format!("v2/iplists/{}/{}", list.number(), encoded(network))
}

/// What is not there is no failure.
fn found<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Failure::NotFound(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}
