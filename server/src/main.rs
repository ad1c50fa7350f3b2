//! The relay as a program: config → connect → migrate → app → serve → drain.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use sotto_server::clock::Clock;
use sotto_server::config::Config;
use sotto_server::start::{StartError, start};
use sotto_server::trace;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let _ = dotenvy::dotenv();
    let config = Config::parse();
    match run(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sotto-server: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(config: &Config) -> Result<(), StartError> {
    trace::init(&config.log)?;
    let relay = start(config, Clock::System).await?;
    let mut stdout = std::io::stdout();
    let _ = writeln!(stdout, "listening on http://{}", relay.address).and_then(|()| stdout.flush());
    until_told_to_stop().await;
    tracing::info!("draining");
    relay.drain().await;
    Ok(())
}

/// SIGTERM or SIGINT.
async fn until_told_to_stop() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("cannot hear signals: stop with SIGKILL");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
