//! The calls that are measured, one after another.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use russh::{
    client,
    keys::{PrivateKey, PrivateKeyWithHashAlg, load_secret_key},
};

use super::{fill, store::Store};
use crate::{client::Endpoint, work::idle::Trusting};

const PAGE: usize = 100;
/// A prime: multiples of it are spread over any range.
const SPREAD: usize = 2_654_435_761;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Page(Order, Where),
    ByName,
    ById,
    LoginWithKey,
    LoginWithPassword,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
}

/// Where the page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    First,
    /// After a name, another one each time.
    After,
    /// At an offset of half of all.
    Middle,
    /// At the largest offset that has a whole page.
    Last,
}

impl Call {
    pub(super) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for order in [Order::Ascending, Order::Descending] {
            for place in [Where::First, Where::After, Where::Middle, Where::Last] {
                all.push(Self::Page(order, place));
            }
        }
        all.extend([
            Self::ByName,
            Self::ById,
            Self::LoginWithKey,
            Self::LoginWithPassword,
        ]);
        all
    }

    pub(super) fn title(self) -> String {
        let (order, place) = match self {
            Self::ByName => return "GET /user?username=".to_owned(),
            Self::ById => return "GET /user/{id}".to_owned(),
            Self::LoginWithKey => return "login with a key".to_owned(),
            Self::LoginWithPassword => return "login with a password, bcrypt of cost 4".to_owned(),
            Self::Page(order, place) => (order, place),
        };
        let place = match place {
            Where::First => "first page",
            Where::After => "page after any name",
            Where::Middle => "page by offset in the middle",
            Where::Last => "page by offset at the end",
        };
        format!("{place}, {}", order.sql())
    }
}

impl Order {
    fn sql(self) -> &'static str {
        match self {
            Self::Ascending => "ASC",
            Self::Descending => "DESC",
        }
    }
}

/// Who calls one server.
pub(super) struct Caller {
    count: usize,
    http_port: u16,
    agent: ureq::Agent,
    endpoint: Endpoint,
    key: Arc<PrivateKey>,
    config: Arc<client::Config>,
    /// Counts calls, so that each is about another user.
    made: usize,
}

impl Caller {
    pub(super) fn new(store: &Store) -> Result<Self> {
        let endpoint = store.endpoint();
        Ok(Self {
            count: store.count,
            http_port: store.http_port(),
            agent: ureq::Agent::new_with_defaults(),
            key: Arc::new(load_secret_key(&endpoint.key, None)?),
            endpoint,
            config: Arc::new(client::Config::default()),
            made: 0,
        })
    }

    /// Calls so many times in turn, and answers how long each took.
    pub(super) async fn make(&mut self, call: Call, times: usize) -> Result<Vec<Duration>> {
        let mut took = Vec::new();
        for _ in 0..times {
            self.made += 1;
            took.push(match call {
                Call::Page(order, place) => self.page(order, place)?,
                Call::ByName => {
                    let name = self.somebody();
                    self.ask(&format!("user?username={name}"), &name)?
                }
                Call::ById => {
                    let id = 1 + self.number(self.count);
                    self.ask(&format!("user/{id}"), &format!("\"id\":{id},"))?
                }
                Call::LoginWithKey => self.log_in(true).await?,
                Call::LoginWithPassword => self.log_in(false).await?,
            });
        }
        Ok(took)
    }

    fn page(&self, order: Order, place: Where) -> Result<Duration> {
        let last = self.count.saturating_sub(PAGE);
        let offset = match place {
            Where::First => 0,
            // There is a name before it.
            Where::After => 1 + self.number(last),
            Where::Middle => self.count / 2,
            Where::Last => last,
        };
        let name = |offset: usize| {
            let number = match order {
                Order::Ascending => offset,
                Order::Descending => self.count - 1 - offset,
            };
            format!("user-{number:07}")
        };
        let start = match place {
            Where::After => format!("after={}", name(offset - 1)),
            Where::First | Where::Middle | Where::Last => format!("offset={offset}"),
        };
        self.ask(
            &format!("user?limit={PAGE}&{start}&order={}", order.sql()),
            &format!("\"username\":\"{}\"", name(offset)),
        )
    }

    /// The answer has to have that in it.
    fn ask(&self, path: &str, expected: &str) -> Result<Duration> {
        let url = format!("http://127.0.0.1:{}/api/v1/{path}", self.http_port);
        let start = Instant::now();
        let body = self.agent.get(url).call()?.body_mut().read_to_string()?;
        let took = start.elapsed();
        ensure!(body.contains(expected), "{path} has no {expected}: {body}");
        Ok(took)
    }

    /// From the connection to the answer to the login.
    async fn log_in(&self, with_key: bool) -> Result<Duration> {
        let Endpoint { host, port, .. } = &self.endpoint;
        let name = self.somebody();
        let start = Instant::now();
        let config = Arc::clone(&self.config);
        let mut session = client::connect(config, (host.as_str(), *port), Trusting).await?;
        let login = if with_key {
            let key = PrivateKeyWithHashAlg::new(Arc::clone(&self.key), None);
            session.authenticate_publickey(&name, key).await?
        } else {
            session.authenticate_password(&name, fill::PASSWORD).await?
        };
        let took = start.elapsed();
        ensure!(login.success(), "{name} cannot log in");
        session
            .disconnect(russh::Disconnect::ByApplication, "", "")
            .await?;
        Ok(took)
    }

    /// Another number below the limit each time.
    fn number(&self, limit: usize) -> usize {
        self.made.wrapping_mul(SPREAD) % limit.max(1)
    }

    fn somebody(&self) -> String {
        fill::name(self.number(self.count), self.count)
    }
}
