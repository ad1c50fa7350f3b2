//! Slots: sealed values, the newest of each place. There is no author in a row, and no time.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, binary};

pub struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0005_slots"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let slots = Table::create()
            .table("slots")
            .if_not_exists()
            .col(binary("room_id"))
            .col(binary("channel"))
            .col(binary("slot_id"))
            .col(big_integer("rev"))
            .col(binary("header"))
            .col(binary("envelope"))
            .primary_key(Index::create().col("room_id").col("channel").col("slot_id"))
            .foreign_key(ForeignKey::create().from("slots", "room_id").to("rooms", "room_id"))
            .to_owned();
        manager.create_table(slots).await
    }
}
