//! Every table, on one page. Ids are blobs; times are milliseconds since 1970; numbers are never negative.
//!
//! The relay keeps ciphertext, public keys, ids, counters and times, and handles, which are visible by design. The list
//! `COLUMNS` in `server/tests/relay/storage.rs` tags every column, and a test fails on one it does not know.

/// Facts about this installation: its realm, and a check that the pepper is the one the rows were sealed with.
pub mod relay {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "relay")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub value: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// People. `sealed_signin` is salt, profile, sign-in key and vault header under the pepper.
pub mod users {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Vec<u8>,
        #[sea_orm(unique)]
        pub handle: String,
        pub sealed_signin: Vec<u8>,
        pub created_ms: i64,
        pub closed: bool,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// User logs as they came in: 0 is the genesis, then signed blobs.
pub mod user_log {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "user_log")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        pub entry: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Sealed items of people's vaults.
pub mod vault_items {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "vault_items")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub item_id: Vec<u8>,
        pub rev: i64,
        pub sealed: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Sessions by the hash of their token. Without a device it is the grant a password gives.
pub mod sessions {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sessions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub token_hash: Vec<u8>,
        pub user_id: Vec<u8>,
        pub dk_id: Option<Vec<u8>>,
        pub created_ms: i64,
        pub seen_ms: i64,
        pub expires_ms: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Challenges nobody has answered yet.
pub mod challenges {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "challenges")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub challenge: Vec<u8>,
        pub purpose: i16,
        pub subject: Vec<u8>,
        pub expires_ms: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Rooms and the head of their logs. `epoch_ms` is when the newest room key came in, by the relay's clock.
pub mod rooms {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "rooms")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub room_id: Vec<u8>,
        pub head_seq: i64,
        pub head: Vec<u8>,
        pub epoch_ms: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Room logs as they came in: signed blobs, 0 is the genesis.
pub mod room_log {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "room_log")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub room_id: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        pub entry: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Who is in a room, from which entry on, and up to which: follows from the log, kept for look-ups.
pub mod room_people {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "room_people")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub room_id: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Vec<u8>,
        pub since_seq: i64,
        pub until_seq: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Room keys, wrapped for one member each.
pub mod wraps {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "wraps")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub room_id: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub channel: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub n: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub g: i64,
        pub enc: Vec<u8>,
        pub ct: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Where a channel's transcript stands. Its row is the lock under which numbers are given out.
pub mod channels {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "channels")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub room_id: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub channel: Vec<u8>,
        pub seq: i64,
        pub t: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Messages: the bytes that came in, their number, and the transcript after them. Of one that was deleted or has had its
/// time `header` and `envelope` are empty. `expires_ms` is there only for messages that do not stay.
pub mod messages {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "messages")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub room_id: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub channel: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        pub msg_id: Vec<u8>,
        pub header: Vec<u8>,
        pub envelope: Vec<u8>,
        pub envelope_hash: Vec<u8>,
        pub t: Vec<u8>,
        pub expires_ms: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// What lies in slots. `slot_id` names a place that its author alone can work out; `rev` says in which order they were written.
pub mod slots {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "slots")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub room_id: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub channel: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub slot_id: Vec<u8>,
        pub rev: i64,
        pub header: Vec<u8>,
        pub envelope: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Reports that nobody has settled, as they came in. Who made one is not known.
pub mod reports {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "reports")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub room_id: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub report_id: Vec<u8>,
        pub expires_ms: i64,
        pub sealed: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The key of a report, wrapped for each who may act on it. It goes with the report.
pub mod report_keys {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "report_keys")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub room_id: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub report_id: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Vec<u8>,
        pub g: i64,
        pub enc: Vec<u8>,
        pub ct: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The picture of an account, as it came in. One is named by its id alone.
pub mod pictures {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "pictures")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Vec<u8>,
        #[sea_orm(unique)]
        pub picture_id: Vec<u8>,
        pub sealed: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
