//! The relay over real HTTP and sockets, in this process, on SQLite; on Postgres when `SOTTO_TEST_DATABASE_URL` is set.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod accounts;
mod channels;
mod faults;
mod fuzz;
mod gone;
mod guests;
mod held;
mod hostile;
mod invites;
mod invites_peek;
mod live;
mod messages;
mod moderation;
mod pictures;
mod reports;
mod rights;
mod rooms;
mod serving;
mod slots;
mod storage;
mod support;
mod vault_told;
