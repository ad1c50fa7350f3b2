//! Pictures of people: one sealed blob of each account that has one, for whoever was told its id.

use axum::Json;
use axum::extract::State;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use sotto_shared::api::B64;
use sotto_shared::api::body::{Empty, PictureDrop, PictureGet, PicturePut, PictureReply};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::SEALED_PICTURE_BYTES;

use super::users;
use crate::app::App;
use crate::db::entities::pictures;
use crate::db::fault::is_taken;
use crate::problem::Problem;
use crate::router::{Answer, Body};
use crate::session::Session;

pub async fn put(State(app): State<App>, session: Session, Body(ask): Body<PicturePut>) -> Answer<PicturePut> {
    if ask.sealed.0.len() != SEALED_PICTURE_BYTES {
        return Err(ErrorCode::Malformed.into());
    }
    let work = app.clone();
    app.see_through(async move {
        let txn = work.db.begin().await?;
        // An account that is being closed gets none any more.
        let owner = users::lock(&txn, &session.user_id).await?;
        owner.ok_or(ErrorCode::NotSignedIn)?;
        let id = ask.picture_id.as_bytes().to_vec();
        let there = pictures::Entity::find()
            .filter(pictures::Column::PictureId.eq(id.clone()))
            .one(&txn)
            .await?;
        match there {
            // Its answer was lost, and it came again.
            Some(there) if there.user_id == session.user_id.as_bytes() && there.sealed == ask.sealed.0 => return Ok(()),
            // What was told under an id stays what it is.
            Some(_) => return Err(ErrorCode::Duplicate.into()),
            None => {}
        }
        let picture = pictures::ActiveModel {
            user_id: Set(session.user_id.as_bytes().to_vec()),
            picture_id: Set(id),
            sealed: Set(ask.sealed.0),
        };
        let replace = OnConflict::column(pictures::Column::UserId)
            .update_columns([pictures::Column::PictureId, pictures::Column::Sealed])
            .to_owned();
        let written = pictures::Entity::insert(picture)
            .on_conflict(replace)
            .exec_without_returning(&txn)
            .await;
        written.map_err(|error| {
            if is_taken(&error) {
                ErrorCode::Duplicate.into()
            } else {
                Problem::from(error)
            }
        })?;
        txn.commit().await?;
        Ok(())
    })
    .await?;
    Ok(Json(Empty {}))
}

pub async fn get(State(app): State<App>, _: Session, Body(ask): Body<PictureGet>) -> Answer<PictureGet> {
    let found = pictures::Entity::find()
        .filter(pictures::Column::PictureId.eq(ask.picture_id.as_bytes().to_vec()))
        .one(app.db.read())
        .await?;
    let picture = found.ok_or(ErrorCode::NotFound)?;
    Ok(Json(PictureReply {
        sealed: B64(picture.sealed),
    }))
}

/// Done again it changes nothing.
pub async fn drop_own(State(app): State<App>, session: Session, Body(_): Body<PictureDrop>) -> Answer<PictureDrop> {
    let id = session.user_id.as_bytes().to_vec();
    pictures::Entity::delete_by_id(id).exec(app.db.write()).await?;
    Ok(Json(Empty {}))
}
