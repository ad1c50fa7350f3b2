//! From a configuration to a relay that listens, with errors for the person who runs it.

use std::io;

use sea_orm::{ActiveValue::Set, DbErr, EntityTrait};
use sotto_shared::codec::Text;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::db::entities::relay;
use crate::pepper::{Pepper, PepperError};
use crate::serve::{Relay, listen};
use crate::trace::TraceError;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{0}")]
    Pepper(#[from] PepperError),
    #[error("{0}")]
    Trace(#[from] TraceError),
    #[error("the database: {0}")]
    Database(#[from] DbErr),
    #[error("cannot listen on {0}: {1}")]
    Listen(std::net::SocketAddr, io::Error),
    #[error("the realm must be 1 to 253 characters")]
    Realm,
    #[error("this database belongs to another {0}: start with the one it was made with")]
    OtherInstallation(&'static str),
}

/// Connect, migrate, check that the database is this installation's, listen.
pub async fn start(config: &Config, clock: Clock) -> Result<Relay, StartError> {
    let pepper = config.pepper()?;
    if config.realm.is_empty() || Text::<253>::new(config.realm.as_str()).is_err() {
        return Err(StartError::Realm);
    }
    let db = Db::connect(&config.database_url, config.limits.database_connections).await?;
    db.migrate().await?;
    belongs(&db, config, &pepper).await?;
    let app = App::new(config, pepper, db, clock);
    listen(app, config.listen)
        .await
        .map_err(|error| StartError::Listen(config.listen, error))
}

/// Remembers realm and pepper the first time, and insists on them ever after: with others nobody could sign in.
async fn belongs(db: &Db, config: &Config, pepper: &Pepper) -> Result<(), StartError> {
    for (name, value) in [
        ("realm", config.realm.as_bytes()),
        ("pepper", pepper.check().as_slice()),
    ] {
        match relay::Entity::find_by_id(name).one(db.write()).await? {
            Some(there) if there.value != value => return Err(StartError::OtherInstallation(name)),
            Some(_) => {}
            None => {
                let row = relay::ActiveModel {
                    name: Set(name.to_owned()),
                    value: Set(value.to_vec()),
                };
                relay::Entity::insert(row).exec_without_returning(db.write()).await?;
            }
        }
    }
    Ok(())
}
