//! Being one of several servers on a database: from the start, or from the moment on when another is about to follow.

use std::sync::{Arc, Mutex, OnceLock};

use sftpgo_core::{
    Provider, Result, cluster::Heartbeat, provider::NodeId, quota::UsageManager,
    registry::Connections, sync::lock,
};
use sftpgo_store::FileJournal;

/// This server among those that use its database.
pub(crate) struct Sharing {
    provider: Arc<dyn Provider>,
    connections: Arc<Connections>,
    quotas: Arc<UsageManager>,
    /// None where users are in memory.
    journal: Option<Arc<FileJournal>>,
    node: NodeId,
    /// None while this server is alone.
    heartbeat: OnceLock<Arc<Heartbeat>>,
    beginning: Mutex<()>,
}

impl Sharing {
    /// The server `node`, which is one of several already where its store is shared.
    pub(crate) fn new(
        provider: Arc<dyn Provider>,
        connections: Arc<Connections>,
        quotas: Arc<UsageManager>,
        journal: Option<Arc<FileJournal>>,
        node: NodeId,
    ) -> Self {
        let heartbeat = Heartbeat::of(&connections, &quotas).map(Arc::new);
        Self {
            provider,
            connections,
            quotas,
            journal,
            node,
            heartbeat: heartbeat.map_or_else(OnceLock::new, OnceLock::from),
            beginning: Mutex::default(),
        }
    }

    /// The heartbeat; none while this server is alone.
    pub(crate) fn heartbeat(&self) -> Option<&Arc<Heartbeat>> {
        self.heartbeat.get()
    }

    /// Another server is about to use the database too: what this one knows alone goes there. It stays so, whether or not
    /// the other one starts.
    ///
    /// # Errors
    /// Why that cannot be, in words.
    pub(crate) fn begin(&self) -> Result<(), String> {
        let _one_at_a_time = lock(&self.beginning);
        let Some(journal) = &self.journal else {
            return Err(
                "users are kept in memory (data_provider.driver), and a new process would not have them"
                    .to_owned(),
            );
        };
        if self.heartbeat().is_some() {
            return Ok(());
        }
        self.share(journal)
            .map_err(|error| format!("the database cannot be shared with a new process: {error}"))
    }

    fn share(&self, journal: &FileJournal) -> Result<()> {
        // So that the next server takes another one.
        journal.succeed(self.node)?;
        let Some(store) = Arc::clone(&self.provider).begin_sharing() else {
            return Ok(());
        };
        store.keep_alive(self.node)?;
        self.connections
            .begin_sharing(Arc::clone(&store), self.node);
        // Whoever logs in from here on is counted by the store, and those who are logged in already by this.
        self.connections.take_again(&|| Ok(()))?;
        self.quotas.begin_sharing(store)?;
        if let Some(heartbeat) = Heartbeat::of(&self.connections, &self.quotas) {
            heartbeat.send()?;
            let _ = self.heartbeat.set(Arc::new(heartbeat));
        }
        Ok(())
    }
}
