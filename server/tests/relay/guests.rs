//! Guests: who may be one, what they may not, how they stay, and that they go.

use std::collections::BTreeSet;
use std::time::Duration;

use p256::ecdsa::SigningKey;
use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::{FromRelay, ToRelay};
use sotto_shared::codec::Text;
use sotto_shared::crypto::label::Label;
use sotto_shared::log::room_log::RoomKind;

use crate::support::*;

const GUEST: &str = "guest-abcdefghijkl";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn called(handle: &str) -> impl FnOnce(&mut KeyChange) {
    let handle = Text::new(handle).unwrap();
    move |change| change.handle = Some(handle)
}

async fn items(ground: &Ground, person: &Person) -> (String, Vec<VaultItem>) {
    let grant = ground.sign_in(person).await.unwrap();
    (grant.token, grant.items)
}

async fn has_account(ground: &Ground, asker: &Person, handle: &str) -> bool {
    let handle = handle.to_owned();
    ground.ask(Some(&asker.token), &UserFind { handle }).await.is_ok()
}

#[tokio::test]
async fn a_guest_s_handle_is_nobody_else_s_and_a_relay_may_take_none() {
    let ground = Ground::with(|config| config.limits.guests = 1).await;
    assert!(ground.ask(None, &Info {}).await.unwrap().guests);
    for handle in ["guest-", "guest-bob", "guest-abcdefghijk1", "guest-abcdefghijklm"] {
        let person = Person::new(handle);
        assert_eq!(
            ground.refused(None, &person.registration()).await,
            ErrorCode::BadHandle,
            "{handle}"
        );
    }
    let guest = Person::new(GUEST);
    ground.ask(None, &guest.registration()).await.unwrap();
    ground.ask(None, &guest.registration()).await.unwrap();
    let other = Person::new("guest-mnopqrstuvwx");
    assert_eq!(ground.refused(None, &other.registration()).await, ErrorCode::Forbidden);
    ground.person("ada").await;

    let closed = Ground::with(|config| config.limits.guests = 0).await;
    assert!(!closed.ask(None, &Info {}).await.unwrap().guests);
    assert_eq!(closed.refused(None, &guest.registration()).await, ErrorCode::Forbidden);
}

/// Whoever is a guest has named no invite: a few from one network do not take everybody's places.
#[tokio::test]
async fn guests_come_slower_than_others_from_one_network() {
    let ground = Ground::with(|config| config.limits.guests_per_hour = 2).await;
    for handle in [GUEST, "guest-mnopqrstuvwx"] {
        ground.person(handle).await;
    }
    let third = Person::new("guest-aaaaaaaaaaaa");
    assert_eq!(ground.refused(None, &third.registration()).await, ErrorCode::TooFast);
    ground.person("ada").await;
    ground.clock.advance(DAY / 48);
    ground.ask(None, &third.registration()).await.unwrap();
}

#[tokio::test]
async fn a_guest_is_in_rooms_and_founds_none() {
    let ground = Ground::new().await;
    let (ada, guest) = (ground.person("ada").await, ground.person(GUEST).await);
    for (kind, others) in [
        (RoomKind::Group, vec![]),
        (RoomKind::Space, vec![]),
        (RoomKind::Direct, vec![&ada]),
    ] {
        let (mut room, mut create) = Room::new(&guest, kind, &others);
        create.entries.push(room.epoch(&guest));
        create.wraps = room.wraps();
        assert_eq!(ground.refused(Some(&guest.token), &create).await, ErrorCode::Forbidden);
    }
    let room = ground.group(&[&ada, &guest]).await;
    assert_eq!(room.state.members.len(), 2);
}

#[tokio::test]
async fn a_guest_who_stays_has_the_handle_and_the_password_and_all_there_was() {
    let ground = Ground::new().await;
    let (ada, mut guest) = (ground.person("ada").await, ground.person(GUEST).await);
    let room = ground.group(&[&ada, &guest]).await;
    let (token, old) = items(&ground, &guest).await;
    let new = key();
    let kept = guest.rekey(&new, &old, called("zoe"));
    ground.ask(Some(&token), &kept).await.unwrap();
    // Its answer was lost.
    ground.ask(Some(&token), &kept).await.unwrap();
    assert!(!has_account(&ground, &ada, GUEST).await && has_account(&ground, &ada, "zoe").await);
    assert_eq!(
        ground.refused(Some(&guest.token), &VaultGet {}).await,
        ErrorCode::NotSignedIn
    );
    assert_eq!(
        ground.sign_in(&guest).await.unwrap_err().code,
        ErrorCode::BadProof,
        "as a guest"
    );
    let id = guest.user_id;
    guest.handle = "zoe".into();
    guest.ak = new;
    guest.token = ground.session(&guest, &guest.dk.clone()).await.unwrap();
    let log = ground.user_log(Some(&guest.token), id, 0).await;
    assert_eq!((log.handle.as_str(), log.user_id), ("zoe", id));
    assert!(ground.page(&guest, &room, PageFrom::End, 10).await.is_ok());
    // Never again.
    let (token, old) = items(&ground, &guest).await;
    let mut again = guest.rekey(&key(), &old, called("zora"));
    assert_eq!(ground.refused(Some(&token), &again).await, ErrorCode::Forbidden);
    again = guest.rekey(&key(), &old, called(GUEST));
    assert_eq!(ground.refused(Some(&token), &again).await, ErrorCode::BadHandle);
}

#[tokio::test]
async fn nobody_takes_a_guest_over_and_no_guest_takes_a_handle_over() {
    let ground = Ground::new().await;
    let (ada, guest, other) = (
        ground.person("ada").await,
        ground.person(GUEST).await,
        ground.person("guest-mnopqrstuvwx").await,
    );
    let (token, old) = items(&ground, &guest).await;
    let (others, _) = items(&ground, &other).await;
    let (adas, adas_items) = items(&ground, &ada).await;
    let new: SigningKey = key();
    let make = |handle: &str| guest.rekey(&new, &old, called(handle));
    let own = make("zoe");
    let by_another =
        |blob: &B64, key: &SigningKey| B64(sotto_shared::crypto::sign::sign(key, Label::Rekey, &blob.0).to_vec());
    let cases = [
        ("somebody's handle", &token, make("ada"), ErrorCode::HandleTaken),
        (
            "another guest's",
            &token,
            make("guest-mnopqrstuvwx"),
            ErrorCode::BadHandle,
        ),
        ("no handle", &token, make("Zoe"), ErrorCode::BadHandle),
        ("by another's grant", &others, own.clone(), ErrorCode::BadProof),
        (
            "by another's identity",
            &token,
            Rekey {
                ik_sig: by_another(&own.change, &other.ik),
                ..own.clone()
            },
            ErrorCode::BadProof,
        ),
        ("by a session", &guest.token, own.clone(), ErrorCode::Forbidden),
        (
            "by somebody who is no guest",
            &adas,
            ada.rekey(&new, &adas_items, called("adele")),
            ErrorCode::Forbidden,
        ),
    ];
    for (case, token, change, code) in cases {
        assert_eq!(ground.refused(Some(token), &change).await, code, "{case}");
        assert!(ground.sign_in(&guest).await.is_ok(), "{case}: nothing changed");
        assert!(ground.sign_in(&ada).await.is_ok(), "{case}: nothing changed");
    }
    ground.ask(Some(&token), &own).await.unwrap();
}

/// Until the relay has noted that somebody is here: it does so behind the answer.
async fn seen(ground: &Ground, person: &Person) {
    for _ in 0..500 {
        let list = ground.ask(Some(&person.token), &SessionList {}).await.unwrap();
        if list
            .sessions
            .iter()
            .any(|session| session.seen_ms == ground.clock.now_ms())
        {
            return;
        }
    }
    panic!("nobody noted it");
}

#[tokio::test]
async fn a_guest_without_a_session_or_away_for_long_goes_and_nobody_else() {
    let ground = Ground::with(|config| config.limits.guest_days = 3).await;
    let ada = ground.person("ada").await;
    let (left, away, here) = (
        ground.person("guest-aaaaaaaaaaaa").await,
        ground.person("guest-bbbbbbbbbbbb").await,
        ground.person("guest-cccccccccccc").await,
    );
    let room = ground.group(&[&ada, &left, &away, &here]).await;
    ground.ask(Some(&left.token), &SessionEnd {}).await.unwrap();
    ground.app.tidy().await;
    assert!(
        has_account(&ground, &ada, &left.handle).await,
        "it may be on its way in"
    );
    ground.clock.advance(DAY);
    ground.app.tidy().await;
    assert!(!has_account(&ground, &ada, &left.handle).await);
    assert!(has_account(&ground, &ada, &away.handle).await && has_account(&ground, &ada, &here.handle).await);
    for _ in 0..3 {
        ground.clock.advance(DAY);
        assert!(ground.page(&here, &room, PageFrom::End, 1).await.is_ok());
        seen(&ground, &here).await;
        ground.app.tidy().await;
    }
    assert!(!has_account(&ground, &ada, &away.handle).await && has_account(&ground, &ada, &here.handle).await);
    assert_eq!(
        ground.refused(Some(&away.token), &VaultGet {}).await,
        ErrorCode::NotSignedIn
    );
    assert!(has_account(&ground, &ada, "ada").await, "who is no guest stays");
    // Whoever shares a room with them is told, and nobody else.
    let told = async |person: &Person| {
        let mut socket = ground.bare_socket().await;
        let token = person.token.clone();
        socket
            .send(&ToRelay::Hello {
                token,
                api: API_VERSION,
            })
            .await;
        match socket.next().await {
            Some(FromRelay::Welcome { closed, .. }) => BTreeSet::from_iter(closed),
            other => panic!("no welcome: {other:?}"),
        }
    };
    assert_eq!(told(&here).await, [left.user_id, away.user_id].into());
    let bob = ground.person("bob").await;
    ground.group(&[&bob]).await;
    assert_eq!(told(&bob).await, [].into());
}
