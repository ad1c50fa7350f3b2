//! The database fills up, goes away, comes back.

use sea_orm::{ConnectionTrait, Database};
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::FromRelay;

use crate::support::*;

/// Breaks the database under a running relay and mends it again.
enum Break {
    Full,
    Gone(sea_orm::DatabaseConnection, String),
}

impl Break {
    async fn now(ground: &Ground) -> Self {
        if on_postgres() {
            let (server, name) = ground.url.rsplit_once('/').unwrap();
            let admin = Database::connect(format!("{server}/postgres")).await.unwrap();
            admin
                .execute_unprepared(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
                .await
                .unwrap();
            let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
            admin.execute_unprepared(&end).await.unwrap();
            return Self::Gone(admin, name.to_owned());
        }
        // The smallest number there can be: the pages there are.
        ground
            .app
            .db
            .write()
            .execute_unprepared("PRAGMA max_page_count = 1")
            .await
            .unwrap();
        Self::Full
    }

    async fn mend(self, ground: &Ground) {
        match self {
            Self::Full => ground
                .app
                .db
                .write()
                .execute_unprepared("PRAGMA max_page_count = 1000000")
                .await
                .map(|_| ())
                .unwrap(),
            Self::Gone(admin, name) => {
                admin
                    .execute_unprepared(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
                    .await
                    .unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_full_or_absent_database_refuses_and_nothing_that_was_acknowledged_is_lost() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let mut room = ground.group(&[&ada]).await;
    let mut socket = ground.socket(&ada).await;
    for _ in 0..3 {
        socket.say(&[room.message(16_384)]).await;
        socket.message().await;
    }
    let broken = Break::now(&ground).await;
    let mut unsent = Vec::new();
    for _ in 0..20 {
        let message = room.message(16_384);
        socket.say(std::slice::from_ref(&message)).await;
        match socket.next().await {
            Some(FromRelay::Refused {
                code: ErrorCode::Unavailable,
                retry_secs: Some(_),
                msg_id: id,
                ..
            }) => {
                assert_eq!(id, msg_id(&message));
                unsent.push(message);
            }
            Some(FromRelay::Message { .. }) => {}
            other => panic!("{other:?}"),
        }
        if unsent.len() == 2 {
            break;
        }
    }
    assert_eq!(unsent.len(), 2, "the break was felt");
    let before = room.clone();
    let epoch = room.epoch(&ada);
    if on_postgres() {
        let refused = ground
            .append(&ada, &room, vec![epoch.clone()], room.wraps())
            .await
            .unwrap_err();
        assert_eq!(refused.code, ErrorCode::Unavailable);
    }
    broken.mend(&ground).await;

    socket.say(&unsent).await;
    let (one, two) = (socket.message().await, socket.message().await);
    assert_eq!(two.seq, one.seq + 1);
    let page = ground.page(&ada, &before, PageFrom::After(0), 200).await.unwrap();
    assert_eq!(
        (page.head.seq, page.messages.len() as u64),
        (two.seq, two.seq),
        "no hole, no loss"
    );
    ground.append(&ada, &room, vec![epoch], room.wraps()).await.unwrap();
}

#[tokio::test]
async fn readiness_follows_the_database_and_liveness_does_not() {
    let ground = Ground::new().await;
    let get = async |path: &str| {
        ground
            .http
            .get(format!("http://{}{path}", ground.address))
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!((get("/healthz").await, get("/readyz").await), (200, 200));
    ground.app.db.close().await;
    assert_eq!((get("/healthz").await, get("/readyz").await), (200, 503));
    let refused = ground
        .ask(None, &SignInStart { handle: "ada".into() })
        .await
        .unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unavailable);
}
