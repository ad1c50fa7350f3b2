//! When a message that does not stay is to go.

use sea_orm_migration::prelude::*;

pub struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0004_lifetimes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let expires = Table::alter()
            .table("messages")
            .add_column(ColumnDef::new("expires_ms").big_integer().null())
            .to_owned();
        manager.alter_table(expires).await?;
        let due = Index::create()
            .name("messages_due")
            .table("messages")
            .col("expires_ms")
            .if_not_exists()
            .to_owned();
        manager.create_index(due).await
    }
}
