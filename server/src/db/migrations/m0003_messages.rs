//! Channels and their messages. There is no sender in a row, and no way to change one.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, binary};

pub struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0003_messages"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let channels = Table::create()
            .table("channels")
            .if_not_exists()
            .col(binary("room_id"))
            .col(binary("channel"))
            .col(big_integer("seq"))
            .col(binary("t"))
            .primary_key(Index::create().col("room_id").col("channel"))
            .foreign_key(ForeignKey::create().from("channels", "room_id").to("rooms", "room_id"))
            .to_owned();
        let messages = Table::create()
            .table("messages")
            .if_not_exists()
            .col(binary("room_id"))
            .col(binary("channel"))
            .col(big_integer("seq"))
            .col(binary("msg_id"))
            .col(binary("header"))
            .col(binary("envelope"))
            .col(binary("envelope_hash"))
            .col(binary("t"))
            .primary_key(Index::create().col("room_id").col("channel").col("seq"))
            .foreign_key(ForeignKey::create().from("messages", "room_id").to("rooms", "room_id"))
            .to_owned();
        manager.create_table(channels).await?;
        manager.create_table(messages).await?;
        let once = Index::create()
            .name("messages_once")
            .table("messages")
            .col("room_id")
            .col("channel")
            .col("msg_id")
            .unique()
            .if_not_exists()
            .to_owned();
        manager.create_index(once).await
    }
}
