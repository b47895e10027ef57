//! The parts of SFTPGo's REST API 2.x that this server has, under `/api/v2`: tokens, admins, API keys, state. Receipts besides. What it does not
//! have is answered 404.

mod admins;
mod api_keys;
mod defender;
mod dto;
mod ip_lists;
mod own_account;
mod page;
mod receipts;
mod routes;
mod state;
mod token;
mod users;

pub(crate) use routes::all;
