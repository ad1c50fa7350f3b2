//! A picture for each account that has one, sealed.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::binary;

pub struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0007_pictures"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let pictures = Table::create()
            .table("pictures")
            .if_not_exists()
            .col(binary("user_id").primary_key())
            .col(binary("picture_id").unique_key())
            .col(binary("sealed"))
            .foreign_key(ForeignKey::create().from("pictures", "user_id").to("users", "user_id"))
            .to_owned();
        manager.create_table(pictures).await
    }
}
