//! The registry of connections, logins and transfers: listed, limited and closed from outside.

mod activity;
mod connection;
mod door;
mod elsewhere;
mod ended_logins;
mod login;
mod rates;

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use self::connection::{Connection, ConnectionStatus, TransferEntry, TransferStatus};
use self::{door::Door, ended_logins::EndedLogins};
pub use self::{
    door::{AcceptFailures, Admission, ConnectionLimits, Full},
    elsewhere::Elsewhere,
    login::{ConnectionGuard, Login},
    rates::TransferRates,
};
use crate::{
    descriptors::Descriptors,
    error::{Error, ErrorKind, Result},
    event::{Actor, Change, ConnectionProtocol, Event, Events},
    provider::{ClusterStore, NodeId, Provider},
    sync::lock,
    user::{EffectiveUser, StoredUser, UserId, rights},
};

/// Sessions that are taken again in one transaction.
const MANY: usize = 500;

/// All logged-in sessions of one server.
pub struct Connections {
    state: Mutex<State>,
    door: Arc<Door>,
    events: Events,
    /// The store that counts the sessions of all nodes; none where this server is alone.
    shared: OnceLock<Shared>,
    /// Sessions of this server in other processes.
    elsewhere: OnceLock<Arc<dyn Elsewhere>>,
}

/// A store in which several servers count sessions.
struct Shared {
    store: Arc<dyn ClusterStore>,
    server: NodeId,
    ended: Arc<EndedLogins>,
}

#[derive(Default)]
struct State {
    logins: HashMap<i64, LoginEntry>,
    next_login: i64,
    listed: HashMap<String, Arc<Connection>>,
}

struct LoginEntry {
    user: UserId,
    /// The user as stored when the login began.
    at_login: StoredUser,
    close: CancellationToken,
    expires: watch::Sender<i64>,
}

impl Connections {
    /// An empty registry that tells `events` how many connections it lists.
    pub fn new(events: Events) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            door: Arc::default(),
            events,
            shared: OnceLock::new(),
            elsewhere: OnceLock::new(),
        })
    }

    /// Makes the registry of a node that the others which use the store of `provider` know as `server`. Where there can be
    /// no others it is as [`Connections::new`].
    pub fn of_server(events: Events, provider: Arc<dyn Provider>, server: NodeId) -> Arc<Self> {
        let connections = Self::new(events);
        if let Some(store) = provider.shared() {
            connections.begin_sharing(store, server);
        }
        connections
    }

    /// From here on `store` counts the sessions of several servers, of which this is `server`. Those that there are already
    /// are counted by [`Connections::take_again`].
    pub fn begin_sharing(&self, store: Arc<dyn ClusterStore>, server: NodeId) {
        self.shared.get_or_init(|| Shared {
            ended: EndedLogins::new(Arc::clone(&store), server),
            store,
            server,
        });
    }

    /// Bounds connections from here on; there are no bounds before.
    pub fn set_limits(&self, limits: ConnectionLimits) {
        self.door.set_limits(limits);
    }

    /// The descriptors that all of them share.
    pub fn descriptors(&self) -> Arc<Descriptors> {
        self.door.descriptors()
    }

    /// Lets a network connection from `host` in, which nobody is logged in on yet. That a limit is reached is logged once,
    /// until it is left behind. The limit of one host is not for one that is spared.
    ///
    /// # Errors
    /// There are too many in all, from this host, or for the process.
    pub fn admit(
        &self,
        host: IpAddr,
        protocol: ConnectionProtocol,
        is_spared: bool,
    ) -> Result<Admission, Full> {
        self.door.admit(host, protocol, is_spared)
    }

    /// Takes one of the user's sessions, counted and taken in one step. Later changes of the user are compared with `user`,
    /// and `effective` says how many sessions there may be.
    ///
    /// # Errors
    /// [`LimitReached`](ErrorKind::LimitReached) when the user has `max_sessions` already.
    pub fn log_in(self: &Arc<Self>, user: &StoredUser, effective: &EffectiveUser) -> Result<Login> {
        let max_sessions = effective.max_sessions;
        let login = self.log_in_here(user, max_sessions)?;
        if let Some(shared) = self.shared.get() {
            shared.take_session(login.number, user.id, max_sessions)?;
        }
        Ok(login)
    }

    fn log_in_here(self: &Arc<Self>, user: &StoredUser, max_sessions: u32) -> Result<Login> {
        let mut state = self.lock();
        let open = state
            .logins
            .values()
            .filter(|login| login.user == user.id)
            .count();
        if max_sessions > 0 && open >= max_sessions as usize {
            return Err(Error::new(
                ErrorKind::LimitReached,
                format!("too many open sessions: {open}"),
            ));
        }
        let number = state.next_login;
        state.next_login += 1;
        let close = CancellationToken::new();
        let (expires, when) = watch::channel(user.expiration_date);
        state.logins.insert(
            number,
            LoginEntry {
                user: user.id,
                at_login: user.clone(),
                close: close.clone(),
                expires,
            },
        );
        Ok(Login {
            registry: Arc::clone(self),
            number,
            close,
            expires: when,
        })
    }

    /// From here on what `elsewhere` has is listed and closed too.
    pub fn add_elsewhere(&self, elsewhere: Arc<dyn Elsewhere>) {
        self.elsewhere.get_or_init(|| elsewhere);
    }

    /// Returns the listed connections of this process.
    pub fn list_here(&self) -> Vec<ConnectionStatus> {
        let listed: Vec<_> = self.lock().listed.values().cloned().collect();
        listed
            .iter()
            .map(|connection| connection.status())
            .collect()
    }

    /// Returns all listed connections.
    pub fn list(&self) -> Vec<ConnectionStatus> {
        let mut statuses = self.list_here();
        statuses.extend(self.list_elsewhere());
        statuses.sort_by(|a, b| {
            (a.connected_at, &a.connection_id).cmp(&(b.connected_at, &b.connection_id))
        });
        statuses
    }

    /// Closes the network connection that carries the session with this id, for `by`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound).
    pub fn close(&self, by: &Actor, connection_id: &str) -> Result<()> {
        if let Some(username) = self.close_connection(connection_id) {
            self.tell_closed(by, &username, connection_id);
            return Ok(());
        }
        let mut connections = self.list_elsewhere().into_iter();
        let found = connections.find(|connection| connection.connection_id == connection_id);
        let found = found.ok_or_else(|| Error::not_found("no such connection"))?;
        if let Some(elsewhere) = self.elsewhere.get() {
            elsewhere.close(connection_id);
        }
        self.tell_closed(by, &found.username, connection_id);
        Ok(())
    }

    /// Closes the network connection of this process that carries the session with this id; returns whose it is.
    pub fn close_connection(&self, connection_id: &str) -> Option<String> {
        let connection = self.lock().listed.get(connection_id).cloned()?;
        connection.close();
        Some(connection.username().to_owned())
    }

    fn list_elsewhere(&self) -> Vec<ConnectionStatus> {
        let elsewhere = self.elsewhere.get();
        elsewhere.map_or_else(Vec::new, |elsewhere| elsewhere.list())
    }

    /// Closes every network connection of the user, for `by`.
    pub fn close_all_of(&self, by: &Actor, user: &StoredUser) {
        let listed = self.list();
        self.close_user(user.id);
        for connection in listed {
            if connection.username == user.username {
                self.tell_closed(by, &connection.username, &connection.connection_id);
            }
        }
    }

    fn tell_closed(&self, by: &Actor, username: &str, id: &str) {
        self.events.emit(&Event::Change {
            change: Change::ConnectionClosed,
            username,
            id,
            by,
        });
    }

    /// Closes every network connection of the user.
    pub fn close_user(&self, user: UserId) {
        if let Some(elsewhere) = self.elsewhere.get() {
            elsewhere.close_user(user);
        }
        for login in self
            .lock()
            .logins
            .values()
            .filter(|login| login.user == user)
        {
            login.close.cancel();
        }
    }

    /// Closes every network connection whose user was another at its login in something that a session cannot go on
    /// without, as `user` is now: name, password, a key that is gone, home, owner or permissions.
    pub fn close_changed(&self, user: &StoredUser) {
        let mut changed = None;
        for login in self.lock().logins.values() {
            if login.user == user.id
                && !login.close.is_cancelled()
                && let Some(field) = rights::changed(&login.at_login, user)
            {
                login.close.cancel();
                changed = Some(field);
            }
        }
        if let Some(field) = changed {
            log::info!(
                "the sessions of user {:?} are closed, because {field} of the user was changed",
                user.username
            );
        }
    }

    /// Tells the user's logins that the user expires at another time (Unix milliseconds, 0 is never).
    pub fn expiry_changed(&self, user: UserId, expires: i64) {
        for login in self
            .lock()
            .logins
            .values()
            .filter(|login| login.user == user)
        {
            login
                .expires
                .send_if_modified(|known| std::mem::replace(known, expires) != expires);
        }
    }

    /// Returns everybody who is logged in here.
    pub fn users(&self) -> Vec<UserId> {
        let mut users: Vec<_> = self
            .lock()
            .logins
            .values()
            .map(|login| login.user)
            .collect();
        users.sort_unstable();
        users.dedup();
        users
    }

    /// Gives back in the shared store what could not be given back when a login ended. `go_on` is called every so often.
    ///
    /// # Errors
    /// Any error of the store or `go_on`.
    pub fn give_back_ended(&self, go_on: &dyn Fn() -> Result<()>) -> Result<()> {
        match self.shared.get() {
            Some(shared) => shared.ended.give_back(go_on),
            None => Ok(()),
        }
    }

    /// Makes the shared store count just the logins that there are, after this node may have expired.
    /// `go_on` is called every so often.
    ///
    /// # Errors
    /// Any error of the store or `go_on`.
    pub fn take_again(&self, go_on: &dyn Fn() -> Result<()>) -> Result<()> {
        let Some(Shared {
            store,
            server,
            ended,
        }) = self.shared.get()
        else {
            return Ok(());
        };
        let counted: HashSet<i64> = store.sessions(*server)?.into_iter().collect();
        let missing: Vec<(i64, UserId)> = {
            let state = self.lock();
            let gone = counted.iter().copied();
            ended.remember(gone.filter(|number| !state.logins.contains_key(number)));
            let logins = state.logins.iter();
            let missing = logins.filter(|(number, _)| !counted.contains(number));
            missing
                .map(|(number, login)| (*number, login.user))
                .collect()
        };
        for some in missing.chunks(MANY) {
            store.take_sessions_again(*server, some)?;
            let state = self.lock();
            // Who has gone meanwhile may have given back too early.
            let gone = some.iter().map(|(number, _)| *number);
            ended.remember(gone.filter(|number| !state.logins.contains_key(number)));
            drop(state);
            go_on()?;
        }
        Ok(())
    }

    /// The number of logins now.
    pub fn login_count(&self) -> usize {
        self.lock().logins.len()
    }

    /// Returns the most network connections, logged in or not, that were open at once since this was asked last.
    pub fn take_peak(&self) -> usize {
        self.door.take_peak()
    }

    /// The number of transfers that are running now.
    pub fn transfer_count(&self) -> usize {
        let listed: Vec<_> = self.lock().listed.values().cloned().collect();
        listed
            .iter()
            .map(|connection| connection.transfer_count())
            .sum()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn remove(&self, connection_id: &str) {
        let count = {
            let mut state = self.lock();
            if state.listed.remove(connection_id).is_none() {
                return;
            }
            state.listed.len()
        };
        self.events.emit(&Event::ActiveConnections { count });
    }
}

impl Shared {
    fn take_session(&self, number: i64, user: UserId, most: u32) -> Result<()> {
        let taken = self.store.take_session(self.server, number, user, most);
        let is_full = matches!(&taken, Err(error) if error.kind() == ErrorKind::LimitReached);
        if !is_full || !self.ended.is_waiting() {
            return taken;
        }
        // The store may count what has ended here already.
        self.ended.give_back(&|| Ok(()))?;
        self.store.take_session(self.server, number, user, most)
    }
}
