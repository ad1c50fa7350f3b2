use std::time::Duration;

use sea_orm::{ActiveValue::Set, Database, EntityTrait};
use sotto_server::db::entities::user_log;
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::{ErrorBody, ErrorCode};
use sotto_shared::api::frame::FromRelay;
use sotto_shared::api::limits::{FULL_LOGS_BYTES, MAX_USERS_ASKED};
use sotto_shared::codec::{Bytes, Codec, List, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::sign::public_key;
use sotto_shared::id::*;
use sotto_shared::log::user_log::UserBody;

use crate::support::*;

#[tokio::test]
async fn a_person_registers_signs_in_and_finds_vault_and_log_as_they_left_them() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let grant = ground.sign_in(&ada).await.unwrap();
    assert_eq!(grant.vault_header.0, b"vault header");
    assert_eq!(
        (grant.items[0].item_id, grant.items[0].rev, &grant.items[0].sealed.0),
        (ItemId::from_bytes([7; 16]), 1, &vec![9; 100])
    );
    assert_eq!(grant.log.handle, "ada");
    assert_eq!(grant.log.genesis.unwrap().0, ada.genesis);
    assert_eq!(grant.log.entries, [B64(ada.device.clone())]);
    let start = ground.ask(None, &SignInStart { handle: "ada".into() }).await.unwrap();
    assert_eq!((start.salt.0, start.profile), (ada.salt.to_vec(), 1));
}

#[tokio::test]
async fn a_registration_that_comes_twice_is_one_account() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    ground.ask(None, &ada.registration()).await.unwrap();
    let other = Person::new("ada");
    assert_eq!(
        ground.refused(None, &other.registration()).await,
        ErrorCode::HandleTaken
    );
    let mut renamed = Person::new("bob");
    renamed.ak = ada.ak.clone();
    ground.ask(None, &renamed.registration()).await.unwrap();
}

#[tokio::test]
async fn of_two_who_want_one_handle_at_once_one_gets_it() {
    let ground = Ground::new().await;
    let (one, two) = (Person::new("ada"), Person::new("ada"));
    let (one, two) = (one.registration(), two.registration());
    let (one, two) = tokio::join!(ground.ask(None, &one), ground.ask(None, &two));
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1);
    assert_eq!(one.and(two).unwrap_err().code, ErrorCode::HandleTaken);
}

#[tokio::test]
async fn a_registration_is_refused_for_whatever_is_wrong_with_it() {
    let ground = Ground::new().await;
    let ada = Person::new("ada");
    let cases: Vec<(Register, ErrorCode)> = vec![
        (
            ada.registration_with(|r| r.handle = Text::new("Ada").unwrap()),
            ErrorCode::BadHandle,
        ),
        (
            ada.registration_with(|r| r.handle = Text::new("ab").unwrap()),
            ErrorCode::BadHandle,
        ),
        (
            ada.registration_with(|r| r.realm = Text::new("elsewhere").unwrap()),
            ErrorCode::BadProof,
        ),
        (ada.registration_with(|r| r.profile = 0), ErrorCode::UnsupportedVersion),
        (ada.registration_with(|r| r.profile = 2), ErrorCode::UnsupportedVersion),
        (
            ada.registration_with(|r| r.ak = public_key(&key())),
            ErrorCode::BadProof,
        ),
        (
            ada.registration_with(|r| r.items = List::new([r.items.as_slice(), r.items.as_slice()].concat()).unwrap()),
            ErrorCode::Malformed,
        ),
        (
            Register {
                ik_sig: ada.registration().ak_sig,
                ..ada.registration()
            },
            ErrorCode::BadProof,
        ),
        (
            Register {
                ak_sig: B64(vec![1; 63]),
                ..ada.registration()
            },
            ErrorCode::Malformed,
        ),
        (
            Register {
                registration: B64(vec![0; 40]),
                ..ada.registration()
            },
            ErrorCode::Malformed,
        ),
    ];
    for (index, (register, code)) in cases.into_iter().enumerate() {
        assert_eq!(ground.refused(None, &register).await, code, "case {index}");
    }
    let mut stolen = Person::new("eve");
    stolen.genesis = ada.genesis.clone();
    assert_eq!(
        ground.refused(None, &stolen.registration()).await,
        ErrorCode::BadProof,
        "another's identity key"
    );
    let mut no_device = Person::new("eve");
    no_device.device = Person::new("x").entry_only(UserBody::Close).0;
    assert_eq!(
        ground.refused(None, &no_device.registration()).await,
        ErrorCode::InvalidEntry
    );
    ground.ask(None, &ada.registration()).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_a_strange_handle_and_a_used_challenge_look_alike() {
    let ground = Ground::new().await;
    let (ada, nobody) = (ground.person("ada").await, Person::new("nobody"));
    let start = |handle: &str| SignInStart {
        handle: handle.to_owned(),
    };
    let challenge = ground.ask(None, &start("ada")).await.unwrap().challenge.0;
    assert_eq!(
        ground.refused(None, &ada.sign_in_proof(&key(), &challenge)).await,
        ErrorCode::BadProof
    );
    assert_eq!(
        ground.refused(None, &ada.sign_in_proof(&ada.ak, &challenge)).await,
        ErrorCode::BadProof,
        "burned by the failure"
    );
    let challenge = ground.ask(None, &start("nobody")).await.unwrap().challenge.0;
    assert_eq!(
        ground
            .refused(None, &nobody.sign_in_proof(&nobody.ak, &challenge))
            .await,
        ErrorCode::BadProof
    );
    assert_eq!(
        ground.refused(None, &ada.sign_in_proof(&ada.ak, &[1; 32])).await,
        ErrorCode::BadProof,
        "made up"
    );
    let challenge = ground.ask(None, &start("nobody")).await.unwrap().challenge.0;
    assert_eq!(
        ground.refused(None, &ada.sign_in_proof(&ada.ak, &challenge)).await,
        ErrorCode::BadProof,
        "another handle's"
    );
    let grant = ground.sign_in(&ada).await.unwrap().token;
    let challenge = ground.ask(Some(&grant), &SessionStart {}).await.unwrap().challenge.0;
    assert_eq!(
        ground.refused(None, &ada.sign_in_proof(&ada.ak, &challenge)).await,
        ErrorCode::BadProof,
        "another purpose's"
    );
    let challenge = ground.ask(None, &start("ada")).await.unwrap().challenge.0;
    ground.ask(None, &ada.sign_in_proof(&ada.ak, &challenge)).await.unwrap();
    assert_eq!(
        ground.refused(None, &ada.sign_in_proof(&ada.ak, &challenge)).await,
        ErrorCode::BadProof,
        "used"
    );
    let challenge = ground.ask(None, &start("ada")).await.unwrap().challenge.0;
    ground.clock.advance(Duration::from_secs(60));
    assert_eq!(
        ground.refused(None, &ada.sign_in_proof(&ada.ak, &challenge)).await,
        ErrorCode::BadProof,
        "over"
    );
}

#[tokio::test]
async fn nobody_has_a_salt_that_stays_the_same_and_looks_like_anybodys() {
    let ground = Ground::new().await;
    ground.person("ada").await;
    let start = async |handle: &str| {
        ground
            .ask(
                None,
                &SignInStart {
                    handle: handle.to_owned(),
                },
            )
            .await
            .unwrap()
    };
    let (one, two, other, ada) = (
        start("nobody").await,
        start("nobody").await,
        start("nobody2").await,
        start("ada").await,
    );
    assert_eq!(one.salt, two.salt);
    assert_ne!(one.challenge, two.challenge);
    assert_ne!(one.salt, other.salt);
    let shape = |c: &SignInChallenge| (c.salt.0.len(), c.profile, c.challenge.0.len(), c.expires_ms);
    assert_eq!(shape(&one), shape(&ada));
}

#[tokio::test]
async fn guessing_slows_down_the_guesser_and_the_time_to_wait_is_told() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let guess = async || {
        let challenge = ground
            .ask(None, &SignInStart { handle: "ada".into() })
            .await
            .unwrap()
            .challenge
            .0;
        ground
            .ask(None, &ada.sign_in_proof(&key(), &challenge))
            .await
            .unwrap_err()
    };
    for _ in 0..6 {
        assert_eq!(guess().await.code, ErrorCode::BadProof);
    }
    let refused = guess().await;
    assert_eq!(refused.code, ErrorCode::TooFast);
    ground
        .clock
        .advance(Duration::from_secs(u64::from(refused.retry_secs.unwrap())));
    ground.sign_in(&ada).await.unwrap();
}

#[tokio::test]
async fn a_grant_is_for_ones_own_account_and_ten_minutes() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let token = ground.sign_in(&ada).await.unwrap().token;
    let token = Some(token.as_str());
    ground.ask(token, &VaultGet {}).await.unwrap();
    ground.user_log(token, ada.user_id, 0).await;
    assert_eq!(
        ground
            .refused(
                token,
                &UserLogsGet {
                    users: [&ada, &bob].map(|who| all_of(who.user_id)).into()
                }
            )
            .await,
        ErrorCode::Forbidden
    );
    assert_eq!(
        ground.refused(token, &UserFind { handle: "bob".into() }).await,
        ErrorCode::Forbidden
    );
    let (_, create) = Room::new(&ada, sotto_shared::log::room_log::RoomKind::Group, &[]);
    assert_eq!(ground.refused(token, &create).await, ErrorCode::Forbidden);
    ground.clock.advance(Duration::from_secs(600));
    assert_eq!(ground.refused(token, &VaultGet {}).await, ErrorCode::NotSignedIn);
    assert_eq!(ground.refused(None, &VaultGet {}).await, ErrorCode::NotSignedIn);
    assert_eq!(
        ground.refused(Some("nonsense"), &VaultGet {}).await,
        ErrorCode::NotSignedIn
    );
}

#[tokio::test]
async fn only_an_active_device_of_that_person_opens_a_session() {
    let ground = Ground::new().await;
    let (mut ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    assert_eq!(
        ground.session(&ada, &key()).await.unwrap_err().code,
        ErrorCode::BadProof
    );
    assert_eq!(
        ground.session(&ada, &bob.dk).await.unwrap_err().code,
        ErrorCode::BadProof
    );
    let grant = ground.sign_in(&ada).await.unwrap().token;
    let challenge = ground.ask(Some(&grant), &SessionStart {}).await.unwrap().challenge.0;
    let other = ground.sign_in(&bob).await.unwrap().token;
    assert_eq!(
        ground
            .refused(Some(&other), &bob.session_proof(&bob.dk, &challenge))
            .await,
        ErrorCode::BadProof,
        "another's challenge"
    );
    let second = key();
    let entry = ada.add_device(&second);
    ground
        .ask(
            Some(&ground.sign_in(&ada).await.unwrap().token),
            &log_append(vec![entry]),
        )
        .await
        .unwrap();
    ground.session(&ada, &second).await.unwrap();
    assert_eq!(
        ground
            .ask(Some(&ada.token), &SessionList {})
            .await
            .unwrap()
            .sessions
            .len(),
        2
    );
}

#[tokio::test]
async fn a_device_key_without_the_password_opens_no_session() {
    let ground = Ground::new().await;
    let ada = Person::new("ada");
    let grant = ground.ask(None, &ada.registration()).await.unwrap().token;
    let token = ground.open_session(&ada, &ada.dk, &grant).await.unwrap();
    assert_eq!(
        ground.open_session(&ada, &ada.dk, &grant).await.unwrap_err().code,
        ErrorCode::NotSignedIn,
        "a grant opens one session"
    );
    assert_eq!(
        ground.refused(None, &SessionStart {}).await,
        ErrorCode::NotSignedIn,
        "nor is there a challenge without one"
    );
    assert_eq!(
        ground.open_session(&ada, &ada.dk, &token).await.unwrap_err().code,
        ErrorCode::Forbidden,
        "a session opens no other"
    );
    let unused = ground.sign_in(&ada).await.unwrap().token;
    ground.ask(Some(&token), &SessionEndOthers {}).await.unwrap();
    assert_eq!(
        ground.open_session(&ada, &ada.dk, &unused).await.unwrap_err().code,
        ErrorCode::NotSignedIn,
        "grants end with the other sessions"
    );
    ground.clock.advance(Duration::from_secs(601));
    assert_eq!(
        ground.refused(None, &ada.registration()).await,
        ErrorCode::HandleTaken,
        "a copy of the registration is no password"
    );
}

#[tokio::test]
async fn signing_out_elsewhere_ends_the_other_sessions_and_their_sockets_at_once() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let other = ground.session(&ada, &ada.dk).await.unwrap();
    let (mut here, mut there) = (ground.socket(&ada).await, {
        let mut socket = ground.bare_socket().await;
        socket
            .send(&sotto_shared::api::frame::ToRelay::Hello {
                token: other.clone(),
                api: 1,
            })
            .await;
        assert!(matches!(socket.next().await, Some(FromRelay::Welcome { .. })));
        socket
    });
    ground.ask(Some(&ada.token), &SessionEndOthers {}).await.unwrap();
    let code = tokio::time::timeout(Duration::from_secs(1), there.bye())
        .await
        .expect("within a second");
    assert_eq!(code, ErrorCode::NotSignedIn);
    assert_eq!(ground.refused(Some(&other), &VaultGet {}).await, ErrorCode::NotSignedIn);
    assert!(here.everything_heard().await.is_empty());
    ground.ask(Some(&ada.token), &SessionEnd {}).await.unwrap();
    assert_eq!(here.bye().await, ErrorCode::NotSignedIn);
    assert_eq!(
        ground.refused(Some(&ada.token), &SessionList {}).await,
        ErrorCode::NotSignedIn
    );
}

#[tokio::test]
async fn a_revoked_device_is_signed_out_and_cannot_come_back() {
    let ground = Ground::new().await;
    let mut ada = ground.person("ada").await;
    let second = key();
    let entry = ada.add_device(&second);
    ground.ask(Some(&ada.token), &log_append(vec![entry])).await.unwrap();
    let token = ground.session(&ada, &second).await.unwrap();
    let mut socket = ground.bare_socket().await;
    socket
        .send(&sotto_shared::api::frame::ToRelay::Hello {
            token: token.clone(),
            api: 1,
        })
        .await;
    assert!(matches!(
        socket.next().await,
        Some(FromRelay::Welcome { user_log_seq: 2, .. })
    ));
    let entry = ada.entry(UserBody::RevokeDevice {
        dk_id: public_key(&second).key_id(),
    });
    ground.ask(Some(&ada.token), &log_append(vec![entry])).await.unwrap();
    assert_eq!(socket.bye().await, ErrorCode::NotSignedIn);
    assert_eq!(
        ground.refused(Some(&token), &SessionList {}).await,
        ErrorCode::NotSignedIn
    );
    assert_eq!(
        ground.session(&ada, &second).await.unwrap_err().code,
        ErrorCode::BadProof
    );
    ground.ask(Some(&ada.token), &SessionList {}).await.unwrap();
}

#[tokio::test]
async fn a_closed_account_is_over_and_its_handle_stays_taken() {
    let ground = Ground::new().await;
    let (mut ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let entry = ada.entry(UserBody::Close);
    ground.ask(Some(&ada.token), &log_append(vec![entry])).await.unwrap();
    assert_eq!(
        ground.refused(Some(&ada.token), &SessionList {}).await,
        ErrorCode::NotSignedIn
    );
    assert_eq!(ground.sign_in(&ada).await.unwrap_err().code, ErrorCode::BadProof);
    assert_eq!(
        ground
            .refused(Some(&bob.token), &UserFind { handle: "ada".into() })
            .await,
        ErrorCode::NotFound
    );
    assert_eq!(
        ground.refused(None, &Person::new("ada").registration()).await,
        ErrorCode::HandleTaken
    );
    let log = ground.user_log(Some(&bob.token), ada.user_id, 2).await;
    assert_eq!((log.genesis, log.entries.len()), (None, 1));
}

fn all_of(user_id: UserId) -> UserLogFrom {
    UserLogFrom { user_id, from_seq: 0 }
}

#[tokio::test]
async fn many_user_logs_come_at_once_in_the_order_asked_as_far_as_there_is_room() {
    let ground = Ground::new().await;
    let people = [
        ground.person("ada").await,
        ground.person("bob").await,
        ground.person("cleo").await,
    ];
    let [ada, bob, cleo] = &people;
    let token = Some(ada.token.as_str());
    let nobody = UserId::from_bytes([7; 32]);
    let newest = UserLogFrom {
        user_id: bob.user_id,
        from_seq: 1,
    };
    let users = vec![all_of(cleo.user_id), all_of(nobody), newest, all_of(ada.user_id)];
    let logs = ground.ask(token, &UserLogsGet { users }).await.unwrap().logs;
    let seen: Vec<_> = (logs.iter())
        .map(|log| (log.handle.as_str(), log.genesis.is_some(), log.entries.len()))
        .collect();
    assert_eq!(seen, [("cleo", true, 1), ("bob", false, 1), ("ada", true, 1)]);
    assert_eq!(logs[0], ground.user_log(token, cleo.user_id, 0).await);
    assert!(
        ground
            .ask(token, &UserLogsGet { users: vec![] })
            .await
            .unwrap()
            .logs
            .is_empty()
    );

    let users = vec![all_of(ada.user_id); MAX_USERS_ASKED + 1];
    assert_eq!(ground.refused(token, &UserLogsGet { users }).await, ErrorCode::TooLarge);
    let twice = UserLogsGet {
        users: vec![all_of(ada.user_id), newest],
    };
    assert!(ground.ask(token, &twice).await.is_ok());
    let twice = UserLogsGet {
        users: vec![all_of(bob.user_id), newest],
    };
    assert_eq!(ground.refused(token, &twice).await, ErrorCode::Malformed);
    // Long ones fill an answer; the first always comes, whole.
    let many = FULL_LOGS_BYTES / 500 + 1;
    let rows = (2..).take(many).map(|seq| user_log::ActiveModel {
        user_id: Set(bob.user_id.as_bytes().to_vec()),
        seq: Set(seq),
        entry: Set(vec![0; 500]),
    });
    let db = Database::connect(&ground.url).await.unwrap();
    user_log::Entity::insert_many(rows)
        .exec_without_returning(&db)
        .await
        .unwrap();
    let users = vec![all_of(bob.user_id), all_of(ada.user_id), all_of(cleo.user_id)];
    let logs = ground.ask(token, &UserLogsGet { users }).await.unwrap().logs;
    assert_eq!((logs.len(), logs[0].entries.len()), (1, many + 1));
    let users = vec![all_of(ada.user_id), all_of(bob.user_id), all_of(cleo.user_id)];
    assert_eq!(ground.ask(token, &UserLogsGet { users }).await.unwrap().logs.len(), 2);
}

#[tokio::test]
async fn a_user_log_grows_by_compare_and_swap_and_a_lost_answer_does_no_harm() {
    let ground = Ground::new().await;
    let mut ada = ground.person("ada").await;
    let (one, two) = (
        ada.entry_only(ada.device_body(&key())),
        ada.entry_only(ada.device_body(&key())),
    );
    let append = |entry: &B64| log_append(vec![entry.clone()]);
    let token = Some(ada.token.as_str());
    let (first, second) = (append(&one), append(&two));
    let (a, b) = tokio::join!(ground.ask(token, &first), ground.ask(token, &second));
    assert_eq!([a.is_ok(), b.is_ok()].iter().filter(|ok| **ok).count(), 1);
    let (won, lost) = if a.is_ok() { (one, two) } else { (two, one) };
    ground.ask(token, &append(&won)).await.unwrap();
    assert_eq!(ground.refused(token, &append(&lost)).await, ErrorCode::StaleHead);
    let log = ground.user_log(token, ada.user_id, 0).await;
    assert_eq!(log.entries, [B64(ada.device.clone()), won.clone()]);
    let blob = sotto_shared::codec::Codec::from_bytes(&won.0).unwrap();
    ada.log = ada.log.extend(&[blob]).unwrap().prove_here().unwrap();
    let (_, rotation) = kem_rotation(3);
    assert_eq!(
        ground
            .refused(Some(&ada.token), &append(&ada.entry_only(rotation)))
            .await,
        ErrorCode::InvalidEntry
    );
    ada.ik = key();
    let forged = ada.entry_only(ada.device_body(&key()));
    assert_eq!(
        ground.refused(Some(&ada.token), &append(&forged)).await,
        ErrorCode::InvalidEntry
    );
    assert_eq!(
        ground.refused(Some(&ada.token), &append(&B64(vec![1, 2, 3]))).await,
        ErrorCode::Malformed
    );
}

#[tokio::test]
async fn the_vault_is_written_all_or_nothing_and_never_over_a_newer_item() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let token = Some(ada.token.as_str());
    let item = |name: &str, rev: u64, byte: u8| VaultItem {
        item_id: id_of(name),
        rev,
        sealed: B64(vec![byte; 10]),
    };
    ground
        .ask(
            token,
            &VaultPut {
                puts: vec![item("a", 1, 1), item("b", 1, 1)],
            },
        )
        .await
        .unwrap();
    assert_eq!(
        ground
            .refused(
                token,
                &VaultPut {
                    puts: vec![item("a", 2, 2), item("b", 3, 2)]
                }
            )
            .await,
        ErrorCode::StaleItem
    );
    assert_eq!(
        ground
            .refused(
                token,
                &VaultPut {
                    puts: vec![item("a", 1, 2)]
                }
            )
            .await,
        ErrorCode::StaleItem
    );
    let find = async |name: &str| {
        let items = ground.ask(token, &VaultGet {}).await.unwrap().items;
        items.into_iter().find(|item| item.item_id == id_of(name)).unwrap()
    };
    assert_eq!(find("a").await, item("a", 1, 1), "nothing of a refused put is there");
    let (one, two) = (
        VaultPut {
            puts: vec![item("a", 2, 3)],
        },
        VaultPut {
            puts: vec![item("a", 2, 4)],
        },
    );
    let (one, two) = tokio::join!(ground.ask(token, &one), ground.ask(token, &two));
    assert!(one.is_ok() != two.is_ok());
    assert_eq!(find("a").await.rev, 2);
    assert_eq!(
        ground
            .refused(
                token,
                &VaultPut {
                    puts: vec![item("c", 0, 1)]
                }
            )
            .await,
        ErrorCode::Malformed
    );
    assert_eq!(
        ground
            .refused(
                token,
                &VaultPut {
                    puts: vec![item("c", 1, 1), item("c", 1, 1)]
                }
            )
            .await,
        ErrorCode::Malformed
    );
    let big = VaultItem {
        sealed: B64(vec![0; 65_537]),
        ..item("c", 1, 1)
    };
    assert_eq!(
        ground.refused(token, &VaultPut { puts: vec![big] }).await,
        ErrorCode::TooLarge
    );
    let many = (0..65).map(|n| item(&n.to_string(), 1, 1)).collect();
    assert_eq!(
        ground.refused(token, &VaultPut { puts: many }).await,
        ErrorCode::TooLarge
    );
}

#[tokio::test]
async fn acquaintances_hear_of_new_keys_and_strangers_do_not() {
    let ground = Ground::new().await;
    let (mut ada, bob, eve) = (
        ground.person("ada").await,
        ground.person("bob").await,
        ground.person("eve").await,
    );
    ground.group(&[&ada, &bob]).await;
    let (mut at_ada, mut at_bob, mut at_eve) = (
        ground.socket(&ada).await,
        ground.socket(&bob).await,
        ground.socket(&eve).await,
    );
    let entry = ada.add_device(&key());
    ground.ask(Some(&ada.token), &log_append(vec![entry])).await.unwrap();
    let news = FromRelay::UserLog {
        user_id: ada.user_id,
        seq: 2,
    };
    assert_eq!(at_ada.everything_heard().await, std::slice::from_ref(&news));
    assert_eq!(at_bob.everything_heard().await, [news]);
    assert!(at_eve.everything_heard().await.is_empty());
}

#[tokio::test]
async fn nobody_signs_in_with_the_key_everybody_knows() {
    let ground = Ground::new().await;
    let mut nobody = Person::new("nobody");
    let mut one = [0; 32];
    one[31] = 1;
    nobody.ak = p256::ecdsa::SigningKey::from_slice(&one).unwrap();
    assert_eq!(ground.sign_in(&nobody).await.unwrap_err().code, ErrorCode::BadProof);
}

// --- What takes the password ---------------------------------------------------------------------------------------------

/// Everything the relay keeps of somebody's sign-in and vault, and how long the log is.
async fn kept(ground: &Ground, ada: &Person, ak: &p256::ecdsa::SigningKey) -> (Vec<u8>, Vec<VaultItem>, usize) {
    let grant = sign_in_with(ground, ada, ak, Label::Login).await.unwrap();
    (grant.vault_header.0, grant.items, grant.log.entries.len())
}

async fn sign_in_with(
    ground: &Ground,
    ada: &Person,
    key: &p256::ecdsa::SigningKey,
    label: Label,
) -> Result<SignInGrant, ErrorBody> {
    let handle = ada.handle.clone();
    let challenge = ground.ask(None, &SignInStart { handle }).await?.challenge;
    ground.ask(None, &ada.proof(key, label, &challenge.0)).await
}

async fn socket_of(ground: &Ground, token: &str) -> Socket {
    let mut socket = ground.bare_socket().await;
    let token = token.to_owned();
    socket
        .send(&sotto_shared::api::frame::ToRelay::Hello { token, api: 1 })
        .await;
    assert!(matches!(socket.next().await, Some(FromRelay::Welcome { .. })));
    socket
}

#[tokio::test]
async fn another_password_takes_the_place_of_everything_at_once_and_ends_every_session() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let (mut here, other_grant) = (
        socket_of(&ground, &ada.token).await,
        ground.sign_in(&ada).await.unwrap().token,
    );
    let grant = ground.sign_in(&ada).await.unwrap();
    let new = key();
    let change = ada.rekey(&new, &grant.items, |_| {});
    ground.ask(Some(&grant.token), &change).await.unwrap();
    let code = tokio::time::timeout(Duration::from_secs(1), here.bye()).await;
    assert_eq!(code.expect("within a second"), ErrorCode::NotSignedIn);
    for token in [&ada.token, &other_grant] {
        assert_eq!(ground.refused(Some(token), &VaultGet {}).await, ErrorCode::NotSignedIn);
    }
    assert_eq!(
        ground.sign_in(&ada).await.unwrap_err().code,
        ErrorCode::BadProof,
        "the old password"
    );
    let (header, items, entries) = kept(&ground, &ada, &new).await;
    assert_eq!(header, b"another header");
    assert_eq!(items.len(), 1, "old items are gone");
    assert_eq!((items[0].item_id, items[0].rev), (id_of("new"), 1));
    assert_eq!(entries, 2);
    let start = ground.ask(None, &SignInStart { handle: "ada".into() }).await.unwrap();
    assert_eq!(start.salt.0, vec![6; 16]);

    // The answer was lost, and it comes again; then the grant opens the session it is for.
    ground.ask(Some(&grant.token), &change).await.unwrap();
    assert_eq!(kept(&ground, &ada, &new).await.2, 2);
    ground.open_session(&ada, &ada.dk, &grant.token).await.unwrap();
    assert_eq!(
        ground.refused(Some(&grant.token), &change).await,
        ErrorCode::NotSignedIn,
        "used up"
    );
}

#[tokio::test]
async fn a_change_of_password_is_refused_for_whatever_is_wrong_with_it_and_nothing_changes() {
    let ground = Ground::new().await;
    let (mut ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let before = kept(&ground, &ada, &ada.ak).await;
    let grant = ground.sign_in(&ada).await.unwrap();
    let (items, token) = (grant.items, grant.token);
    let new = key();
    let make = |change: fn(&mut KeyChange)| ada.rekey(&new, &items, change);
    let own = make(|_| {});
    let (_, skipped) = kem_rotation(3);
    let skipped = Bytes::new(ada.entry_only(skipped).0).unwrap();
    let late = ada.entry_only(kem_rotation(2).1);
    let wrong_head = {
        let mut ahead = copy_of(&ada);
        ahead.add_device(&key());
        Bytes::new(ahead.entry_only(kem_rotation(2).1).0).unwrap()
    };
    let cases: Vec<(&str, Rekey, ErrorCode)> = vec![
        (
            "realm",
            make(|c| c.realm = Text::new("elsewhere").unwrap()),
            ErrorCode::BadProof,
        ),
        (
            "somebody else",
            make(|c| c.user_id = UserId::from_bytes([1; 32])),
            ErrorCode::BadProof,
        ),
        ("profile", make(|c| c.profile = 0), ErrorCode::UnsupportedVersion),
        ("another state", make(|c| c.base = [1; 32]), ErrorCode::StaleItem),
        ("no vault", make(|c| c.items = List::default()), ErrorCode::Malformed),
        (
            "no new key",
            make(|c| c.entries = List::default()),
            ErrorCode::Malformed,
        ),
        (
            "one item twice",
            make(|c| c.items = List::new([c.items.as_slice(), c.items.as_slice()].concat()).unwrap()),
            ErrorCode::Malformed,
        ),
        (
            "a garbled entry, behind a good one",
            make(|c| {
                let first = c.entries.as_slice()[0].clone();
                c.entries = List::new(vec![first, Bytes::new(vec![1, 2, 3]).unwrap()]).unwrap();
            }),
            ErrorCode::Malformed,
        ),
        (
            "a generation skipped",
            ada.rekey(&new, &items, |c| c.entries = List::new(vec![skipped]).unwrap()),
            ErrorCode::InvalidEntry,
        ),
        (
            "another head",
            ada.rekey(&new, &items, |c| c.entries = List::new(vec![wrong_head]).unwrap()),
            ErrorCode::StaleHead,
        ),
        (
            "the end of the account",
            ada.rekey(&new, &items, |c| {
                c.entries = List::new(vec![Bytes::new(ada.entry_only(UserBody::Close).0).unwrap()]).unwrap();
            }),
            ErrorCode::InvalidEntry,
        ),
        (
            "not signed by the identity key",
            Rekey {
                ik_sig: own.ak_sig.clone(),
                ..own.clone()
            },
            ErrorCode::BadProof,
        ),
        (
            "not signed by the new sign-in key",
            Rekey {
                ak_sig: own.ik_sig.clone(),
                ..own.clone()
            },
            ErrorCode::BadProof,
        ),
    ];
    for (case, change, code) in cases {
        assert_eq!(ground.refused(Some(&token), &change).await, code, "{case}");
        assert_eq!(kept(&ground, &ada, &ada.ak).await, before, "{case}: nothing changed");
    }
    for (case, token, code) in [
        ("a session", Some(ada.token.as_str()), ErrorCode::Forbidden),
        ("nobody", None, ErrorCode::NotSignedIn),
    ] {
        assert_eq!(ground.refused(token, &own).await, code, "{case}");
    }
    let theirs = ground.sign_in(&bob).await.unwrap().token;
    assert_eq!(ground.refused(Some(&theirs), &own).await, ErrorCode::BadProof);
    ground.clock.advance(Duration::from_secs(601));
    assert_eq!(
        ground.refused(Some(&token), &own).await,
        ErrorCode::NotSignedIn,
        "a grant of long ago"
    );
    assert_eq!(kept(&ground, &ada, &ada.ak).await, before);
    // Somebody was faster: with the log as it is now it goes through.
    ground
        .ask(Some(&ada.token), &log_append(vec![late.clone()]))
        .await
        .unwrap();
    let grant = ground.sign_in(&ada).await.unwrap();
    assert_eq!(ground.refused(Some(&grant.token), &own).await, ErrorCode::StaleHead);
    let blob = sotto_shared::crypto::sign::SignedBlob::from_bytes(&late.0).unwrap();
    ada.log = ada.log.extend(&[blob]).unwrap().prove_here().unwrap();
    let again = ada.rekey(&new, &items, |_| {});
    ground.ask(Some(&grant.token), &again).await.unwrap();
}

fn copy_of(person: &Person) -> Person {
    Person {
        handle: person.handle.clone(),
        ak: person.ak.clone(),
        ik: person.ik.clone(),
        dk: person.dk.clone(),
        user_id: person.user_id,
        genesis: person.genesis.clone(),
        log: person.log.clone(),
        device: person.device.clone(),
        token: person.token.clone(),
        salt: person.salt,
    }
}

#[tokio::test]
async fn a_recovery_key_signs_in_once_it_is_set_and_never_after_it_was_taken_away() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    let recovery = key();
    let without = sign_in_with(&ground, &ada, &recovery, Label::RecoveryLogin).await;
    assert_eq!(without.unwrap_err().code, ErrorCode::BadProof);
    let grant = ground.sign_in(&ada).await.unwrap().token;
    let set = ada.set_recovery(Some(&recovery));
    assert_eq!(
        ground.refused(Some(&ada.token), &set).await,
        ErrorCode::Forbidden,
        "a session is not the password"
    );
    let forged = SetRecovery {
        ik_sig: B64(vec![1; 64]),
        ..set.clone()
    };
    assert_eq!(ground.refused(Some(&grant), &forged).await, ErrorCode::BadProof);
    ground.ask(Some(&grant), &set).await.unwrap();
    ground.ask(Some(&grant), &set).await.unwrap();

    let entered = sign_in_with(&ground, &ada, &recovery, Label::RecoveryLogin)
        .await
        .unwrap();
    assert_eq!(entered.vault_header.0, b"header with a wrap more");
    assert_eq!(entered.items.len(), 1);
    for (case, key, label) in [
        ("as a password", &recovery, Label::Login),
        ("the password as a recovery key", &ada.ak, Label::RecoveryLogin),
    ] {
        let refused = sign_in_with(&ground, &ada, key, label).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::BadProof, "{case}");
    }
    // It sets another password and stays good, if the change says so.
    let new = key();
    let change = ada.rekey(&new, &entered.items, |c| c.recovery = Some(public_key(&recovery)));
    ground.ask(Some(&entered.token), &change).await.unwrap();
    sign_in_with(&ground, &ada, &recovery, Label::RecoveryLogin)
        .await
        .unwrap();
    let grant = sign_in_with(&ground, &ada, &new, Label::Login).await.unwrap().token;
    ground.ask(Some(&grant), &ada.set_recovery(None)).await.unwrap();
    let over = sign_in_with(&ground, &ada, &recovery, Label::RecoveryLogin).await;
    assert_eq!(over.unwrap_err().code, ErrorCode::BadProof);
}

#[tokio::test]
async fn whether_somebody_has_a_recovery_key_shows_nowhere() {
    let ground = Ground::new().await;
    let (ada, bob, nobody) = (
        ground.person("ada").await,
        ground.person("bob").await,
        Person::new("nobody"),
    );
    let grant = ground.sign_in(&ada).await.unwrap().token;
    ground.ask(Some(&grant), &ada.set_recovery(Some(&key()))).await.unwrap();
    let mut shapes = Vec::new();
    for person in [&ada, &bob, &nobody] {
        let handle = person.handle.clone();
        let start = ground.ask(None, &SignInStart { handle }).await.unwrap();
        let shape = (
            start.salt.0.len(),
            start.profile,
            start.challenge.0.len(),
            start.expires_ms,
        );
        let proof = person.proof(&key(), Label::RecoveryLogin, &start.challenge.0);
        let refused = ground.ask(None, &proof).await.unwrap_err();
        let burned = ground.refused(None, &proof).await;
        shapes.push((shape, refused, burned));
    }
    assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{shapes:?}");
    assert_eq!(shapes[0].1.code, ErrorCode::BadProof);
}

#[tokio::test]
async fn a_new_beginning_keeps_the_handle_and_ends_the_old_account() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let room = ground.group(&[&bob, &ada]).await;
    let grant = ground.sign_in(&ada).await.unwrap().token;
    let other = Person::new("bob");
    assert_eq!(
        ground.refused(Some(&grant), &other.reset(None)).await,
        ErrorCode::Forbidden,
        "another handle"
    );
    let again = Person::new("ada");
    let no_end = ada.entry_only(kem_rotation(2).1);
    assert_eq!(
        ground.refused(Some(&grant), &again.reset(Some(no_end))).await,
        ErrorCode::InvalidEntry
    );
    assert_eq!(
        ground.refused(Some(&ada.token), &again.reset(None)).await,
        ErrorCode::Forbidden,
        "a session is not the password"
    );
    ground.sign_in(&ada).await.unwrap();
    let (mut here, mut theirs) = (
        socket_of(&ground, &ada.token).await,
        socket_of(&ground, &bob.token).await,
    );
    let reset = again.reset(Some(ada.entry_only(UserBody::Close)));
    let token = ground.ask(Some(&grant), &reset).await.unwrap().token;
    ground.open_session(&again, &again.dk, &token).await.unwrap();
    assert_eq!(here.bye().await, ErrorCode::NotSignedIn);
    let heard = theirs.everything_heard().await;
    let told = |frame: &FromRelay| matches!(frame, FromRelay::UserLog { user_id, seq: 2 } if *user_id == ada.user_id);
    assert!(heard.iter().any(told), "{heard:?}");

    let found = ground
        .ask(Some(&bob.token), &UserFind { handle: "ada".into() })
        .await
        .unwrap();
    assert_eq!(found.user_id, again.user_id);
    let old = ground.user_log(Some(&bob.token), ada.user_id, 0).await;
    assert_eq!(
        (old.handle.as_str(), old.entries.len()),
        ("ada", 2),
        "a sign that it was"
    );
    ground.sign_in(&again).await.unwrap();
    assert_eq!(ground.sign_in(&ada).await.unwrap_err().code, ErrorCode::BadProof);
    assert_eq!(
        ground.refused(None, &Person::new("ada").registration()).await,
        ErrorCode::HandleTaken
    );
    assert_eq!(
        ground.refused(Some(&ada.token), &VaultGet {}).await,
        ErrorCode::NotSignedIn
    );
    assert_eq!(count(&ground, "vault_items", &ada.user_id).await, 0);
    assert_eq!(count(&ground, "wraps", &ada.user_id).await, 0);
    assert_eq!(count(&ground, "wraps", &bob.user_id).await, 1);
    // And once more, without the old keys at hand.
    let grant = ground.sign_in(&again).await.unwrap().token;
    let third = Person::new("ada");
    ground.ask(Some(&grant), &third.reset(None)).await.unwrap();
    ground.sign_in(&third).await.unwrap();
    assert_eq!(
        ground.page(&bob, &room, PageFrom::End, 1).await.unwrap().messages.len(),
        0
    );
}

async fn count(ground: &Ground, table: &str, user: &UserId) -> usize {
    use sea_orm::ConnectionTrait;
    let db = ground.app.db.read();
    let hex: String = user.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let literal = if db.get_database_backend() == sea_orm::DbBackend::Postgres {
        format!("'\\x{hex}'::bytea")
    } else {
        format!("x'{hex}'")
    };
    let sql = format!("SELECT 1 FROM {table} WHERE user_id = {literal}");
    let statement = sea_orm::Statement::from_string(db.get_database_backend(), sql);
    db.query_all_raw(statement).await.unwrap().len()
}

#[tokio::test]
async fn of_a_closed_account_the_log_stays_and_nothing_else() {
    let ground = Ground::new().await;
    let (mut ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let mut room = ground.group(&[&bob, &ada]).await;
    let grant = ground.sign_in(&ada).await.unwrap().token;
    ground.ask(Some(&grant), &ada.set_recovery(Some(&key()))).await.unwrap();
    for person in [&ada, &bob] {
        let picture = crate::pictures::picture();
        ground.ask(Some(&person.token), &picture).await.unwrap();
    }
    let close = ada.entry(UserBody::Close);
    ground.ask(Some(&grant), &log_append(vec![close])).await.unwrap();
    for table in ["vault_items", "pictures", "sessions", "wraps"] {
        assert_eq!(count(&ground, table, &ada.user_id).await, 0, "{table}");
        assert_ne!(count(&ground, table, &bob.user_id).await, 0, "{table}");
    }
    assert_eq!(count(&ground, "user_log", &ada.user_id).await, 3);
    // The others go on: the room sees that the account is closed, and nothing is wrapped for it any more.
    room.knows(&ada);
    let update = room.entry(
        &bob,
        sotto_shared::log::room_log::RoomBody::UserUpdate {
            member: ada.here(),
            cut: List::default(),
        },
    );
    let epoch = room.epoch(&bob);
    let wraps: Vec<Wrap> = room
        .wraps()
        .into_iter()
        .filter(|wrap| wrap.user_id == bob.user_id)
        .collect();
    ground.append(&bob, &room, vec![update, epoch], wraps).await.unwrap();
}

#[tokio::test]
async fn entries_and_the_vault_items_that_go_with_them_are_kept_both_or_neither() {
    let ground = Ground::new().await;
    let mut ada = ground.person("ada").await;
    let before = kept(&ground, &ada, &ada.ak).await;
    let item = |rev| VaultItem {
        item_id: id_of("kem"),
        rev,
        sealed: B64(vec![1; 80]),
    };
    let good = ada.entry_only(kem_rotation(2).1);
    let bad = ada.entry_only(kem_rotation(3).1);
    for (case, entry, put, code) in [
        ("a revision too far", &good, item(2), ErrorCode::StaleItem),
        ("an entry that does not hold", &bad, item(1), ErrorCode::InvalidEntry),
    ] {
        let ask = UserLogAppend {
            entries: vec![entry.clone()],
            puts: vec![put],
        };
        assert_eq!(ground.refused(Some(&ada.token), &ask).await, code, "{case}");
        assert_eq!(kept(&ground, &ada, &ada.ak).await, before, "{case}");
    }
    let ask = UserLogAppend {
        entries: vec![good.clone()],
        puts: vec![item(1)],
    };
    ground.ask(Some(&ada.token), &ask).await.unwrap();
    ground.ask(Some(&ada.token), &ask).await.unwrap();
    let blob = sotto_shared::crypto::sign::SignedBlob::from_bytes(&good.0).unwrap();
    ada.log = ada.log.extend(&[blob]).unwrap().prove_here().unwrap();
    let (_, items, entries) = kept(&ground, &ada, &ada.ak).await;
    assert_eq!((items.len(), entries), (2, 2));
}

#[tokio::test]
async fn a_session_ends_thirty_days_after_the_password_however_busy_it_was() {
    let ground = Ground::new().await;
    let ada = ground.person("ada").await;
    for _ in 0..29 {
        ground.clock.advance(Duration::from_secs(24 * 60 * 60));
        ground.ask(Some(&ada.token), &SessionList {}).await.unwrap();
    }
    let mut socket = socket_of(&ground, &ada.token).await;
    ground.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(
        ground.refused(Some(&ada.token), &SessionList {}).await,
        ErrorCode::NotSignedIn
    );
    socket.send(&sotto_shared::api::frame::ToRelay::Ping).await;
    assert_eq!(socket.bye().await, ErrorCode::NotSignedIn);
}
