//! Reports, and their keys for those who may act on them. There is no author in a row.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, binary};

pub struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0006_reports"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let reports = Table::create()
            .table("reports")
            .if_not_exists()
            .col(binary("room_id"))
            .col(binary("report_id"))
            .col(big_integer("expires_ms"))
            .col(binary("sealed"))
            .primary_key(Index::create().col("room_id").col("report_id"))
            .foreign_key(ForeignKey::create().from("reports", "room_id").to("rooms", "room_id"))
            .to_owned();
        manager.create_table(reports).await?;
        let keys = Table::create()
            .table("report_keys")
            .if_not_exists()
            .col(binary("room_id"))
            .col(binary("report_id"))
            .col(binary("user_id"))
            .col(big_integer("g"))
            .col(binary("enc"))
            .col(binary("ct"))
            .primary_key(Index::create().col("room_id").col("report_id").col("user_id"))
            .foreign_key(
                ForeignKey::create()
                    .from("report_keys", ("room_id", "report_id"))
                    .to("reports", ("room_id", "report_id"))
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned();
        manager.create_table(keys).await
    }
}
