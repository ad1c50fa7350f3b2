//! The relay's own facts, people, their user logs, vaults, sessions and challenges.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, binary, boolean, small_integer, string};

pub struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0001_accounts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let relay = Table::create()
            .table("relay")
            .if_not_exists()
            .col(string("name").primary_key())
            .col(binary("value"))
            .to_owned();
        let users = Table::create()
            .table("users")
            .if_not_exists()
            .col(binary("user_id").primary_key())
            .col(string("handle").unique_key())
            .col(binary("sealed_signin"))
            .col(big_integer("created_ms"))
            .col(boolean("closed"))
            .to_owned();
        let user_log = Table::create()
            .table("user_log")
            .if_not_exists()
            .col(binary("user_id"))
            .col(big_integer("seq"))
            .col(binary("entry"))
            .primary_key(Index::create().col("user_id").col("seq"))
            .foreign_key(ForeignKey::create().from("user_log", "user_id").to("users", "user_id"))
            .to_owned();
        let vault_items = Table::create()
            .table("vault_items")
            .if_not_exists()
            .col(binary("user_id"))
            .col(binary("item_id"))
            .col(big_integer("rev"))
            .col(binary("sealed"))
            .primary_key(Index::create().col("user_id").col("item_id"))
            .foreign_key(
                ForeignKey::create()
                    .from("vault_items", "user_id")
                    .to("users", "user_id"),
            )
            .to_owned();
        let sessions = Table::create()
            .table("sessions")
            .if_not_exists()
            .col(binary("token_hash").primary_key())
            .col(binary("user_id"))
            .col(ColumnDef::new("dk_id").binary().null())
            .col(big_integer("created_ms"))
            .col(big_integer("seen_ms"))
            .col(big_integer("expires_ms"))
            .foreign_key(ForeignKey::create().from("sessions", "user_id").to("users", "user_id"))
            .to_owned();
        let challenges = Table::create()
            .table("challenges")
            .if_not_exists()
            .col(binary("challenge").primary_key())
            .col(small_integer("purpose"))
            .col(binary("subject"))
            .col(big_integer("expires_ms"))
            .to_owned();
        for table in [relay, users, user_log, vault_items, sessions, challenges] {
            manager.create_table(table).await?;
        }
        let by_user = Index::create()
            .name("sessions_by_user")
            .table("sessions")
            .col("user_id")
            .if_not_exists()
            .to_owned();
        let by_age = Index::create()
            .name("challenges_by_age")
            .table("challenges")
            .col("expires_ms")
            .if_not_exists()
            .to_owned();
        manager.create_index(by_user).await?;
        manager.create_index(by_age).await
    }
}
