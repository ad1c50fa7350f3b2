use std::time::Duration;

use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::codec::{List, Text};
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
    ground
        .ask(
            token,
            &UserLogGet {
                user_id: ada.user_id,
                from_seq: 0,
            },
        )
        .await
        .unwrap();
    assert_eq!(
        ground
            .refused(
                token,
                &UserLogGet {
                    user_id: bob.user_id,
                    from_seq: 0
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
            &UserLogAppend { entries: vec![entry] },
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
    ground
        .ask(Some(&ada.token), &UserLogAppend { entries: vec![entry] })
        .await
        .unwrap();
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
    ground
        .ask(Some(&ada.token), &UserLogAppend { entries: vec![entry] })
        .await
        .unwrap();
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
    ground
        .ask(Some(&ada.token), &UserLogAppend { entries: vec![entry] })
        .await
        .unwrap();
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
    let log = ground
        .ask(
            Some(&bob.token),
            &UserLogGet {
                user_id: ada.user_id,
                from_seq: 2,
            },
        )
        .await
        .unwrap();
    assert_eq!((log.genesis, log.entries.len()), (None, 1));
}

#[tokio::test]
async fn a_user_log_grows_by_compare_and_swap_and_a_lost_answer_does_no_harm() {
    let ground = Ground::new().await;
    let mut ada = ground.person("ada").await;
    let (one, two) = (
        ada.entry_only(ada.device_body(&key())),
        ada.entry_only(ada.device_body(&key())),
    );
    let append = |entry: &B64| UserLogAppend {
        entries: vec![entry.clone()],
    };
    let token = Some(ada.token.as_str());
    let (first, second) = (append(&one), append(&two));
    let (a, b) = tokio::join!(ground.ask(token, &first), ground.ask(token, &second));
    assert_eq!([a.is_ok(), b.is_ok()].iter().filter(|ok| **ok).count(), 1);
    let (won, lost) = if a.is_ok() { (one, two) } else { (two, one) };
    ground.ask(token, &append(&won)).await.unwrap();
    assert_eq!(ground.refused(token, &append(&lost)).await, ErrorCode::StaleHead);
    let log = ground
        .ask(
            token,
            &UserLogGet {
                user_id: ada.user_id,
                from_seq: 0,
            },
        )
        .await
        .unwrap();
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
    ground
        .ask(Some(&ada.token), &UserLogAppend { entries: vec![entry] })
        .await
        .unwrap();
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
