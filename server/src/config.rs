//! What the relay is told at its start: flags, the environment and `.env`, in this order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};

use crate::pepper::{Pepper, PepperError};

/// The Sotto relay: orders signed logs, stores ciphertext, pushes it on. It cannot open a message.
#[derive(Debug, Clone, Parser)]
#[command(name = "sotto-server", version)]
pub struct Config {
    /// Where everything is kept: `sqlite://PATH?mode=rwc` or `postgres://USER:PASSWORD@HOST/NAME`.
    #[arg(
        long,
        env = "DATABASE_URL",
        default_value = "sqlite://data/sotto.db?mode=rwc",
        hide_env_values = true
    )]
    pub database_url: String,

    /// Address to listen on; port 0 takes a free one.
    #[arg(long, env = "SOTTO_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// 64 hex characters that seal sign-in data at rest. Keep it outside the database and its backups.
    #[arg(long, env = "SOTTO_PEPPER", hide_env_values = true)]
    pub pepper: Option<PepperText>,

    /// A file with the pepper, instead of SOTTO_PEPPER.
    #[arg(long, env = "SOTTO_PEPPER_FILE", conflicts_with = "pepper")]
    pub pepper_file: Option<PathBuf>,

    /// The name accounts belong to, usually the host name people type. It cannot be changed later.
    #[arg(long, env = "SOTTO_REALM", default_value = "localhost")]
    pub realm: String,

    /// Folder of the built client, to be served from here.
    #[arg(long, env = "SOTTO_CLIENT_DIR")]
    pub client_dir: Option<PathBuf>,

    /// Exact origins of clients that are hosted elsewhere, comma-separated: `https://chat.example.org`.
    #[arg(long, env = "SOTTO_CORS_ORIGINS", value_delimiter = ',')]
    pub cors_origins: Vec<String>,

    /// What to log, to stderr: `error`, `warn`, `info`, `debug`, `trace`, or per module.
    #[arg(long, env = "SOTTO_LOG", default_value = "info")]
    pub log: String,

    /// Take the client's network from the last `X-Forwarded-For`: only behind a proxy that sets it.
    #[arg(long, env = "SOTTO_TRUST_PROXY")]
    pub trust_proxy: bool,

    #[command(flatten)]
    pub limits: Limits,
}

/// How much of everything. Names say per what.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Connections to the database.
    #[arg(long, env = "SOTTO_DATABASE_CONNECTIONS", default_value_t = 8)]
    pub database_connections: u32,
    /// Open network connections.
    #[arg(long, env = "SOTTO_MAX_CONNECTIONS", default_value_t = 10_000)]
    pub max_connections: usize,
    /// Requests worked on at a time; more wait, then are refused.
    #[arg(long, env = "SOTTO_MAX_REQUESTS", default_value_t = 256)]
    pub max_requests: usize,
    /// Sockets of one person.
    #[arg(long, env = "SOTTO_SOCKETS_PER_PERSON", default_value_t = 32)]
    pub sockets_per_person: usize,
    /// New accounts per hour and network.
    #[arg(long, env = "SOTTO_REGISTER_PER_HOUR", default_value_t = 200)]
    pub register_per_hour: u32,
    /// New guests per hour and network: they need no invite to be one, and places are few.
    #[arg(long, env = "SOTTO_GUESTS_PER_HOUR", default_value_t = 40)]
    pub guests_per_hour: u32,
    /// Guests at a time, who come by an invite with a name alone; 0 takes none.
    #[arg(long, env = "SOTTO_GUESTS", default_value_t = 1_000)]
    pub guests: u64,
    /// Days after which a guest who was not seen is closed.
    #[arg(long, env = "SOTTO_GUEST_DAYS", default_value_t = 14)]
    pub guest_days: u64,
    /// Sign-ins begun or proven, per minute and network.
    #[arg(long, env = "SOTTO_SIGN_IN_PER_MINUTE", default_value_t = 120)]
    pub sign_in_per_minute: u32,
    /// Requests per minute and session.
    #[arg(long, env = "SOTTO_REQUESTS_PER_MINUTE", default_value_t = 6_000)]
    pub requests_per_minute: u32,
    /// Messages per minute and device.
    #[arg(long, env = "SOTTO_MESSAGES_PER_MINUTE", default_value_t = 600)]
    pub messages_per_minute: u32,
    /// Messages a device may send at once before the rate counts.
    #[arg(long, env = "SOTTO_MESSAGES_BURST", default_value_t = 100)]
    pub messages_burst: u32,
    /// Passing words (where somebody stands, what they have read, typing) per minute and device; more are let go.
    #[arg(long, env = "SOTTO_EPHEMERAL_PER_MINUTE", default_value_t = 120)]
    pub ephemeral_per_minute: u32,
    /// Log entries per hour and device.
    #[arg(long, env = "SOTTO_ENTRIES_PER_HOUR", default_value_t = 5_000)]
    pub entries_per_hour: u32,
    /// Wrapped keys per minute and device.
    #[arg(long, env = "SOTTO_WRAPS_PER_MINUTE", default_value_t = 10_000)]
    pub wraps_per_minute: u32,
    /// Invite links a device may open per minute.
    #[arg(long, env = "SOTTO_INVITES_PER_MINUTE", default_value_t = 60)]
    pub invites_per_minute: u32,
    /// Invite links looked at without an account, per minute and network.
    #[arg(long, env = "SOTTO_PEEKS_PER_MINUTE", default_value_t = 240)]
    pub peeks_per_minute: u32,
    /// Reports a person may make per hour.
    #[arg(long, env = "SOTTO_REPORTS_PER_HOUR", default_value_t = 30)]
    pub reports_per_hour: u32,
    /// Reports a person may make per day in one room: nobody fills alone what waits there.
    #[arg(long, env = "SOTTO_REPORTS_IN_ROOM_PER_DAY", default_value_t = 20)]
    pub reports_in_room_per_day: u32,
    /// Frames that may wait for one socket; one more closes it, and its client starts over.
    #[arg(long, env = "SOTTO_QUEUE_FRAMES", default_value_t = 1_024)]
    pub queue_frames: usize,
    /// Bytes that may wait for one socket.
    #[arg(long, env = "SOTTO_QUEUE_BYTES", default_value_t = 4 * 1024 * 1024)]
    pub queue_bytes: usize,
    /// Seconds a request may take.
    #[arg(long, env = "SOTTO_REQUEST_SECS", default_value = "30", value_parser = seconds)]
    pub request_timeout: Duration,
    /// Seconds a socket has for its first frame.
    #[arg(long, env = "SOTTO_HELLO_SECS", default_value = "10", value_parser = seconds)]
    pub hello_timeout: Duration,
    /// Seconds a write to a socket may take.
    #[arg(long, env = "SOTTO_WRITE_SECS", default_value = "20", value_parser = seconds)]
    pub write_timeout: Duration,
    /// Seconds the relay takes to finish what is under way when it is told to stop.
    #[arg(long, env = "SOTTO_DRAIN_SECS", default_value = "10", value_parser = seconds)]
    pub drain_timeout: Duration,
    /// Room states and user logs kept in memory, of each.
    #[arg(long, env = "SOTTO_CACHED_LOGS", default_value_t = 2_000)]
    pub cached_logs: usize,
}

/// The pepper as typed. No `Debug` of it shows the text.
#[derive(Clone)]
pub struct PepperText(String);

impl std::str::FromStr for PepperText {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for PepperText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PepperText(…)")
    }
}

impl Drop for PepperText {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl Config {
    /// The pepper from wherever it was given.
    pub fn pepper(&self) -> Result<Pepper, PepperError> {
        match (&self.pepper, &self.pepper_file) {
            (Some(text), _) if !text.0.trim().is_empty() => Pepper::parse(&text.0),
            (_, Some(path)) => {
                let text =
                    std::fs::read_to_string(path).map_err(|error| PepperError::File(path.clone(), error.kind()))?;
                let pepper = Pepper::parse(&text);
                drop(zeroize::Zeroizing::new(text));
                pepper
            }
            _ => Err(PepperError::Missing),
        }
    }

    /// As tests and benchmarks start from: a free port, and this database.
    pub fn for_database(url: &str, pepper: &str) -> Result<Self, clap::Error> {
        Self::try_parse_from([
            "sotto-server",
            "--listen",
            "127.0.0.1:0",
            "--database-url",
            url,
            "--pepper",
            pepper,
        ])
    }
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseFloatError> {
    text.parse()
        .map(|secs: f64| Duration::from_secs_f64(secs.clamp(0.001, 86_400.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pepper_shows_in_no_debug_output() {
        let pepper = "ab".repeat(32);
        let config = Config::for_database("sqlite::memory:", &pepper).unwrap();
        assert!(!format!("{config:?}").contains(&pepper));
    }

    #[test]
    fn a_missing_pepper_says_how_to_make_one() {
        let mut config = Config::for_database("sqlite::memory:", &"ab".repeat(32)).unwrap();
        config.pepper = None;
        assert!(
            config
                .pepper()
                .err()
                .unwrap()
                .to_string()
                .contains("openssl rand -hex 32")
        );
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Config::command().debug_assert();
    }
}
