use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::{FromRelay, ItemRev};

use crate::support::*;

/// The browsers of an account hear that one of them wrote to its vault; nobody else does, and a write that was refused is none.
#[tokio::test]
async fn every_socket_of_an_account_is_told_which_items_were_written() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    ground.group(&[&ada, &bob]).await;
    let mut sockets = [ground.socket(&ada).await, ground.socket(&ada).await];
    let mut other = ground.socket(&bob).await;
    let put = |rev| VaultPut {
        puts: vec![VaultItem {
            item_id: id_of("levels"),
            rev,
            sealed: B64(vec![7; 80]),
        }],
    };
    ground.ask(Some(&ada.token), &put(1)).await.unwrap();
    assert_eq!(ground.refused(Some(&ada.token), &put(1)).await, ErrorCode::StaleItem);
    ground.ask(Some(&ada.token), &put(2)).await.unwrap();
    for socket in &mut sockets {
        let told: Vec<_> = (socket.everything_heard().await.into_iter())
            .filter_map(|frame| match frame {
                FromRelay::Vault { items } => Some(items),
                _ => None,
            })
            .collect();
        let item = |rev| {
            vec![ItemRev {
                item_id: id_of("levels"),
                rev,
            }]
        };
        assert_eq!(told, [item(1), item(2)]);
    }
    let heard = other.everything_heard().await;
    assert!(!heard.iter().any(|frame| matches!(frame, FromRelay::Vault { .. })));
}
