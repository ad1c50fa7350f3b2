//! The log: to stderr, in fields from a short list. Bodies, tokens, handles and addresses are in none of them.

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, FilterFn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, fmt};

#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    #[error("SOTTO_LOG is not a filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("{0}")]
    Init(#[from] TryInitError),
}

/// `filter` decides about the relay's own lines. Of other crates' only warnings and errors are taken, whatever it says:
/// at finer levels they print what passes through them. Of the database driver nothing: its errors come through `problem`.
pub fn init(filter: &str) -> Result<(), TraceError> {
    let own = FilterFn::new(|meta| {
        let foreign = meta.is_event() && *meta.level() <= Level::WARN && !meta.target().starts_with("sqlx");
        meta.target().starts_with("sotto_server") || foreign
    });
    let own = own.with_max_level_hint(LevelFilter::TRACE);
    let filter: EnvFilter = filter.parse()?;
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_filter(own);
    tracing_subscriber::registry().with(filter).with(lines).try_init()?;
    Ok(())
}
