//! What every provider promises, run over each of them alike.
#![allow(clippy::unwrap_used)] // promises fail like tests

mod contract;

use contract::{for_every_provider, for_every_shared_provider};

for_every_provider! {
    memory => (sftpgo_store::MemoryProvider::new(), ());

    #[cfg(feature = "sqlite")]
    sqlite => {
        let directory = tempfile::tempdir().unwrap();
        let provider = sftpgo_store::SqliteProvider::open(&sftpgo_store::StoreConfig {
            path: directory.path().join("users.db"),
            pool_size: 0,
        })
        .unwrap();
        (provider, directory)
    };
}

for_every_shared_provider! {
    shared_memory => (sftpgo_store::MemoryProvider::shared(), ());
}
