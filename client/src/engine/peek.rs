//! What a link leads to, before there is an account; and why one that does not lead in does not.
//!
//! ```text
//!  PeekLink ─▶ info (the relay's name and clock) ─▶ peek, signed with the invite's key ─▶ Peeked
//! ```
//!
//! The title was sealed for this link alone, so nobody can answer with another room. All else is the relay's word until the
//! log is read (`invites.rs`), which happens before anybody joins.

use sotto_shared::api::B64;
use sotto_shared::api::body::{Info, InfoReply, InvitePeek, InvitePeekReply, PeekProof};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::is_handle;
use sotto_shared::codec::{Codec, Text};
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::secret::InviteSecret;
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::RoomId;
use sotto_shared::link::{Link, invite_key, open_card};
use sotto_shared::log::room_log::invite_id;
use sotto_shared::log::standing::InviteStanding;

use super::account::{internal, lied};
use super::ask::{Failure, Pending, Request};
use super::intents::tidy_name;
use super::people::mark;
use super::{Effect, Engine, Out};
use crate::view::{Outcome, Over, Peeked, PeekedInvite, Problem};

/// A look at an invite that is under way.
pub(crate) struct Peek {
    command: u32,
    room: RoomId,
    secret: InviteSecret,
    /// Somebody was not let in: they want to know why, and nothing else.
    refused: bool,
    /// Whether the relay takes guests.
    guests: bool,
}

/// Why it does not let in.
pub(super) const fn over(standing: InviteStanding) -> Option<Over> {
    match standing {
        InviteStanding::Open => None,
        InviteStanding::UsedUp => Some(Over::UsedUp),
        InviteStanding::Expired => Some(Over::Expired),
        InviteStanding::Revoked => Some(Over::TakenBack),
        InviteStanding::Void => Some(Over::Void),
    }
}

impl<S: Suite> Engine<S> {
    pub(super) fn peek_link(
        &mut self,
        command: u32,
        link: &str,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        match link.trim().parse::<Link>().map_err(|_| Problem::BadLink)? {
            Link::Contact { user_id, handle } => Ok(Some(Outcome::Peeked(Peeked::Contact { user: user_id, handle }))),
            Link::Invite { room_id, secret } => {
                self.peek(command, room_id, secret, false, out);
                Ok(None)
            }
        }
    }

    /// Somebody with this link was refused.
    pub(super) fn ask_why_refused(
        &mut self,
        command: u32,
        room: RoomId,
        secret: InviteSecret,
        out: &mut Out<S::DeviceKey>,
    ) {
        self.peek(command, room, secret, true, out);
    }

    fn peek(&mut self, command: u32, room: RoomId, secret: InviteSecret, refused: bool, out: &mut Out<S::DeviceKey>) {
        let peek = Box::new(Peek {
            command,
            room,
            secret,
            refused,
            guests: false,
        });
        self.ask_as(None, Request::Info(Info {}), Pending::PeekTime(peek), out);
    }

    pub(super) fn peek_timed(
        &mut self,
        mut peek: Box<Peek>,
        result: Result<InfoReply, Failure>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let sent = result.map_err(|failure| failure.problem()).and_then(|info| {
            peek.guests = info.guests;
            let key = invite_key(&peek.secret, &peek.room);
            let proof = PeekProof {
                realm: Text::new(info.realm).map_err(internal)?,
                room_id: peek.room,
                invite_id: invite_id(&key.public()),
                at: info.now_ms,
            };
            Ok(InvitePeek {
                room_id: proof.room_id,
                invite_id: proof.invite_id,
                at_ms: proof.at,
                sig: B64(key.sign(Label::InvitePeek, &proof.to_bytes()).to_vec()),
            })
        });
        match sent {
            Ok(ask) => self.ask_as(None, Request::InvitePeek(ask), Pending::Peek(peek), out),
            Err(problem) => out.push(Effect::Answer {
                id: peek.command,
                result: Err(problem),
            }),
        }
    }

    pub(super) fn peeked(
        &mut self,
        peek: &Peek,
        result: Result<InvitePeekReply, Failure>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let result = match result {
            Ok(reply) => read(peek, reply),
            Err(failure) if failure.is(ErrorCode::NotFound) => Err(Problem::InviteOver(Over::Wrong)),
            Err(failure) => Err(failure.problem()),
        };
        let result = match result {
            // It lets in others.
            Ok(invite) if peek.refused => Err(Problem::InviteOver(invite.over.unwrap_or(Over::NotForYou))),
            Ok(invite) => Ok(Outcome::Peeked(Peeked::Invite(invite))),
            Err(problem) => Err(problem),
        };
        out.push(Effect::Answer {
            id: peek.command,
            result,
        });
    }
}

fn read(peek: &Peek, reply: InvitePeekReply) -> Result<PeekedInvite, Problem> {
    let id = invite_id(&invite_key(&peek.secret, &peek.room).public());
    let card = open_card(&peek.secret, &peek.room, &id, &reply.card.0);
    let card = card.map_err(|_| lied("the room behind this link"))?;
    Ok(PeekedInvite {
        room: peek.room,
        title: tidy_name(card.title.as_str()),
        by: if is_handle(&reply.by) { reply.by } else { String::new() },
        mark: mark(peek.room.as_bytes()),
        members: reply.members,
        expires_ms: reply.expires_ms,
        approval: reply.approval,
        over: over(reply.standing),
        guests: peek.guests,
    })
}
