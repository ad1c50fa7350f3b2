//! The Sotto relay. Knows who may write where, never what.
//!
//! ```text
//!            ┌ accounts  register · sign-in · sessions · vault · user logs
//!  router ───┼ logs      room logs · wraps                                  ┐
//!            ├ mailbox   messages · pages                                   ├─▶ ledger (states, cached) ─▶ db
//!            └ gateway   the socket ─▶ hub (who is connected; a leaf)       ┘
//! ```

pub mod accounts;
pub mod app;
pub mod client;
pub mod clock;
pub mod config;
pub mod db;
pub mod gateway;
pub mod hub;
pub mod ledger;
pub mod logs;
pub mod mailbox;
pub mod pepper;
pub mod problem;
pub mod rates;
pub mod router;
pub mod serve;
pub mod session;
pub mod start;
pub mod trace;
