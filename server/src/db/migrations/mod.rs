//! The schema, one step one file. A released step is never edited: the next one changes what it left.

mod m0001_accounts;
mod m0002_rooms;
mod m0003_messages;
mod m0004_lifetimes;
mod m0005_slots;
mod m0006_reports;
mod m0007_pictures;

use sea_orm_migration::prelude::*;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_accounts::Step),
            Box::new(m0002_rooms::Step),
            Box::new(m0003_messages::Step),
            Box::new(m0004_lifetimes::Step),
            Box::new(m0005_slots::Step),
            Box::new(m0006_reports::Step),
            Box::new(m0007_pictures::Step),
        ]
    }
}
