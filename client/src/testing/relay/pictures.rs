//! Pictures of people. Mirrors `server/src/accounts/pictures`.

use sotto_shared::api::body::{Empty, PictureGet, PicturePut, PictureReply};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::SEALED_PICTURE_BYTES;

use super::{Answer, ModelRelay, Session};

impl ModelRelay {
    pub(super) fn picture_put(&mut self, session: &Session, ask: &PicturePut) -> Answer<Empty> {
        if ask.sealed.0.len() != SEALED_PICTURE_BYTES {
            return Err(ErrorCode::Malformed);
        }
        let put = (ask.picture_id, ask.sealed.clone());
        match self.pictures.iter().find(|(_, (id, _))| *id == ask.picture_id) {
            Some((user, there)) if *user == session.user_id && *there == put => {}
            Some(_) => return Err(ErrorCode::Duplicate),
            None => drop(self.pictures.insert(session.user_id, put)),
        }
        Ok(Empty {})
    }

    pub(super) fn picture_get(&self, ask: &PictureGet) -> Answer<PictureReply> {
        let mut all = self.pictures.values();
        let (_, sealed) = all.find(|(id, _)| *id == ask.picture_id).ok_or(ErrorCode::NotFound)?;
        Ok(PictureReply { sealed: sealed.clone() })
    }

    pub(super) fn picture_drop(&mut self, session: &Session) -> Empty {
        self.pictures.remove(&session.user_id);
        Empty {}
    }
}
