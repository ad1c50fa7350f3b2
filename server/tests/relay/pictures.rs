//! Pictures: one of each account, for whoever was told its id, and gone with it.

use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::SEALED_PICTURE_BYTES;
use sotto_shared::id::PictureId;
use sotto_shared::log::user_log::UserBody;

use crate::support::*;

/// Random bytes, of the one size that there is.
pub fn picture() -> PicturePut {
    PicturePut {
        picture_id: PictureId::from_bytes(random()),
        sealed: B64(random::<SEALED_PICTURE_BYTES>().to_vec()),
    }
}

async fn get(ground: &Ground, person: &Person, picture: &PicturePut) -> Result<B64, ErrorCode> {
    let ask = PictureGet {
        picture_id: picture.picture_id,
    };
    let reply = ground.ask(Some(&person.token), &ask).await;
    reply.map(|reply| reply.sealed).map_err(|body| body.code)
}

#[tokio::test]
async fn a_picture_is_for_whoever_knows_its_id_until_there_is_another_or_none() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let (first, second) = (picture(), picture());
    assert_eq!(get(&ground, &bob, &first).await, Err(ErrorCode::NotFound));
    for _ in 0..2 {
        ground.ask(Some(&ada.token), &first).await.unwrap();
        assert_eq!(get(&ground, &bob, &first).await, Ok(first.sealed.clone()));
    }
    ground.ask(Some(&ada.token), &second).await.unwrap();
    assert_eq!(get(&ground, &bob, &first).await, Err(ErrorCode::NotFound));
    assert_eq!(get(&ground, &bob, &second).await, Ok(second.sealed.clone()));
    // Bob has none to take away, and cannot take hers.
    for (person, left) in [
        (&bob, Ok(second.sealed.clone())),
        (&ada, Err(ErrorCode::NotFound)),
        (&ada, Err(ErrorCode::NotFound)),
    ] {
        ground.ask(Some(&person.token), &PictureDrop {}).await.unwrap();
        assert_eq!(get(&ground, &bob, &second).await, left);
    }
}

#[tokio::test]
async fn what_was_told_under_an_id_is_changed_by_nobody() {
    let ground = Ground::new().await;
    let (ada, bob) = (ground.person("ada").await, ground.person("bob").await);
    let hers = picture();
    ground.ask(Some(&ada.token), &hers).await.unwrap();
    let other = PicturePut {
        picture_id: hers.picture_id,
        ..picture()
    };
    for (person, ask) in [(&ada, &other), (&bob, &other), (&bob, &hers)] {
        assert_eq!(ground.refused(Some(&person.token), ask).await, ErrorCode::Duplicate);
    }
    assert_eq!(get(&ground, &bob, &hers).await, Ok(hers.sealed.clone()));
}

#[tokio::test]
async fn sizes_and_callers_are_those_that_are_documented() {
    let ground = Ground::new().await;
    let mut ada = ground.person("ada").await;
    for len in [0, 584, SEALED_PICTURE_BYTES - 1, SEALED_PICTURE_BYTES + 1] {
        let odd = PicturePut {
            sealed: B64(vec![1; len]),
            ..picture()
        };
        assert_eq!(
            ground.refused(Some(&ada.token), &odd).await,
            ErrorCode::Malformed,
            "{len}"
        );
    }
    let huge = PicturePut {
        sealed: B64(vec![1; 300_000]),
        ..picture()
    };
    assert_eq!(ground.refused(Some(&ada.token), &huge).await, ErrorCode::TooLarge);
    let good = picture();
    let grant = ground.sign_in(&ada).await.unwrap().token;
    for (token, code) in [(None, ErrorCode::NotSignedIn), (Some(&grant), ErrorCode::Forbidden)] {
        let token = token.map(String::as_str);
        let get = PictureGet {
            picture_id: good.picture_id,
        };
        assert_eq!(ground.refused(token, &good).await, code);
        assert_eq!(ground.refused(token, &get).await, code);
        assert_eq!(ground.refused(token, &PictureDrop {}).await, code);
    }
    // With the account it goes.
    ground.ask(Some(&ada.token), &good).await.unwrap();
    let bob = ground.person("bob").await;
    let close = ada.entry(UserBody::Close);
    ground.ask(Some(&grant), &log_append(vec![close])).await.unwrap();
    assert_eq!(get(&ground, &bob, &good).await, Err(ErrorCode::NotFound));
}
