//! Rooms, their logs, who is or was in them, and wrapped room keys.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, binary};

pub struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0002_rooms"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let rooms = Table::create()
            .table("rooms")
            .if_not_exists()
            .col(binary("room_id").primary_key())
            .col(big_integer("head_seq"))
            .col(binary("head"))
            .col(big_integer("epoch_ms"))
            .to_owned();
        let room_log = Table::create()
            .table("room_log")
            .if_not_exists()
            .col(binary("room_id"))
            .col(big_integer("seq"))
            .col(binary("entry"))
            .primary_key(Index::create().col("room_id").col("seq"))
            .foreign_key(ForeignKey::create().from("room_log", "room_id").to("rooms", "room_id"))
            .to_owned();
        let room_people = Table::create()
            .table("room_people")
            .if_not_exists()
            .col(binary("room_id"))
            .col(binary("user_id"))
            .col(big_integer("since_seq"))
            .col(ColumnDef::new("until_seq").big_integer().null())
            .primary_key(Index::create().col("room_id").col("user_id"))
            .foreign_key(
                ForeignKey::create()
                    .from("room_people", "room_id")
                    .to("rooms", "room_id"),
            )
            .foreign_key(
                ForeignKey::create()
                    .from("room_people", "user_id")
                    .to("users", "user_id"),
            )
            .to_owned();
        let wraps = Table::create()
            .table("wraps")
            .if_not_exists()
            .col(binary("room_id"))
            .col(binary("channel"))
            .col(big_integer("n"))
            .col(binary("user_id"))
            .col(big_integer("g"))
            .col(binary("enc"))
            .col(binary("ct"))
            .primary_key(
                Index::create()
                    .col("room_id")
                    .col("user_id")
                    .col("channel")
                    .col("n")
                    .col("g"),
            )
            .foreign_key(ForeignKey::create().from("wraps", "room_id").to("rooms", "room_id"))
            .foreign_key(ForeignKey::create().from("wraps", "user_id").to("users", "user_id"))
            .to_owned();
        for table in [rooms, room_log, room_people, wraps] {
            manager.create_table(table).await?;
        }
        let by_user = Index::create()
            .name("room_people_by_user")
            .table("room_people")
            .col("user_id")
            .if_not_exists()
            .to_owned();
        manager.create_index(by_user).await
    }
}
