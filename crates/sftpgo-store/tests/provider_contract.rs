//! What every provider promises, run over each of them alike.
#![allow(clippy::unwrap_used)] // promises fail like tests

#[cfg(feature = "database")]
mod common;
mod contract;

use contract::{
    for_every_admin_store, for_every_defender_store, for_every_ip_list_store, for_every_provider,
    for_every_shared_provider,
};

for_every_provider! {
    memory => (sftpgo_store::MemoryProvider::new(), ());

    #[cfg(feature = "sqlite")]
    sqlite => crate::common::provider(crate::common::Place::sqlite());

    #[cfg(feature = "postgres")]
    postgres => crate::common::provider(crate::common::Place::server(sftpgo_databases::Kind::Postgres));

    #[cfg(feature = "mysql")]
    mariadb => crate::common::provider(crate::common::Place::server(sftpgo_databases::Kind::Mariadb));
}

for_every_shared_provider! {
    shared_memory => (sftpgo_store::MemoryProvider::shared(), ());

    #[cfg(feature = "sqlite")]
    shared_sqlite => crate::common::provider(crate::common::Place::sqlite());

    #[cfg(feature = "postgres")]
    shared_postgres => crate::common::provider(crate::common::Place::server(sftpgo_databases::Kind::Postgres));

    #[cfg(feature = "mysql")]
    shared_mariadb => crate::common::provider(crate::common::Place::server(sftpgo_databases::Kind::Mariadb));
}

for_every_admin_store! {
    admins_in_memory => (sftpgo_store::MemoryProvider::new(), ());

    #[cfg(feature = "sqlite")]
    admins_in_sqlite => crate::common::provider(crate::common::Place::sqlite());

    #[cfg(feature = "postgres")]
    admins_in_postgres => crate::common::provider(crate::common::Place::server(sftpgo_databases::Kind::Postgres));

    #[cfg(feature = "mysql")]
    admins_in_mariadb => crate::common::provider(crate::common::Place::server(sftpgo_databases::Kind::Mariadb));
}

for_every_ip_list_store! {
    ip_lists_in_memory => (sftpgo_store::MemoryProvider::new(), ());

    #[cfg(feature = "sqlite")]
    ip_lists_in_sqlite => crate::common::provider(crate::common::Place::sqlite());

    #[cfg(feature = "postgres")]
    ip_lists_in_postgres => crate::common::provider(crate::common::Place::server(sftpgo_databases::Kind::Postgres));

    #[cfg(feature = "mysql")]
    ip_lists_in_mariadb => crate::common::provider(crate::common::Place::server(sftpgo_databases::Kind::Mariadb));
}

for_every_defender_store! {
    hosts_in_memory => (sftpgo_store::MemoryProvider::new(), ());

    #[cfg(feature = "sqlite")]
    hosts_in_sqlite => crate::common::provider(crate::common::Place::sqlite());

    #[cfg(feature = "postgres")]
    hosts_in_postgres => crate::common::provider(crate::common::Place::server(sftpgo_databases::Kind::Postgres));

    #[cfg(feature = "mysql")]
    hosts_in_mariadb => crate::common::provider(crate::common::Place::server(sftpgo_databases::Kind::Mariadb));
}
