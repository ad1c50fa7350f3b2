//! What comes between relay and browsers in a script: a bad network, and a relay that lies.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use sotto_shared::api::body::{ChannelHead, RoomHead, UserLogBody};
use sotto_shared::api::error::{ErrorBody, ErrorCode};
use sotto_shared::api::frame::{FromRelay, ToRelay};
use sotto_shared::id::{RoomId, UserId};

use super::bend::{bend, bend_json};
use super::witness::Witness;
use crate::engine::{Failure, Reply, Request};
use crate::testing::{ModelRelay, Peer, Tamper};

/// Frames that may be told again.
const MEMORY: usize = 48;

/// Done to the next thing of its kind that passes to or from a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trick {
    DropFrame,
    DoubleFrame,
    HoldFrame,
    BendFrame(u32),
    MixRooms(RoomId),
    LoseAsk,
    Refuse(ErrorCode),
    LoseReply,
    BendReply(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Log,
    Messages,
    Wraps,
    People,
}

/// Somebody hears nothing more of a room than there was.
#[derive(Debug, Clone)]
pub struct Withheld {
    pub user: UserId,
    pub kind: Kind,
    pub then: RoomHead,
    /// Entries of user logs there were.
    pub people: Vec<(UserId, usize)>,
}

#[derive(Debug, Default)]
pub struct Wiles {
    pub tricks: VecDeque<(usize, Trick)>,
    pub withheld: Vec<Withheld>,
    pub held: Vec<(usize, FromRelay)>,
    pub told: VecDeque<FromRelay>,
}

impl Wiles {
    fn take(&mut self, browser: usize, fits: impl Fn(&Trick) -> bool) -> Option<Trick> {
        let at = (self.tricks.iter()).position(|(other, trick)| *other == browser && fits(trick))?;
        self.tricks.remove(at).map(|(_, trick)| trick)
    }

    fn withheld(&self, user: Option<UserId>, kind: Kind) -> impl Iterator<Item = &Withheld> {
        (self.withheld.iter()).filter(move |held| Some(held.user) == user && held.kind == kind)
    }

    fn withheld_room(&self, user: Option<UserId>, kind: Kind, room: RoomId) -> Option<&Withheld> {
        self.withheld(user, kind).find(|held| held.then.room_id == room)
    }
}

pub struct Hands {
    pub witness: Rc<RefCell<Witness>>,
    pub wiles: Rc<RefCell<Wiles>>,
}

impl Tamper for Hands {
    fn request(&mut self, relay: &mut ModelRelay, from: Peer, request: &mut Request) -> Option<Result<Reply, Failure>> {
        self.witness.borrow_mut().asked(relay, request);
        let is_mine = |trick: &Trick| matches!(trick, Trick::LoseAsk | Trick::Refuse(_));
        let trick = self.wiles.borrow_mut().take(from.browser, is_mine)?;
        Some(Err(if let Trick::Refuse(code) = trick {
            Failure::Refused(ErrorBody {
                code,
                retry_secs: Some(1),
            })
        } else {
            Failure::Offline
        }))
    }

    fn reply(
        &mut self,
        _: &mut ModelRelay,
        to: Peer,
        request: &Request,
        reply: Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        let mut wiles = self.wiles.borrow_mut();
        let reply = wiles.withhold(to.user, request, reply?);
        let is_mine = |trick: &Trick| matches!(trick, Trick::LoseReply | Trick::BendReply(_));
        match wiles.take(to.browser, is_mine) {
            None => Ok(reply),
            Some(Trick::BendReply(choice)) => {
                let json = reply.to_json().ok().and_then(|json| serde_json::from_str(&json).ok());
                let bent = json.and_then(|json| request.read_reply(&bend_json(json, choice).to_string()).ok());
                bent.ok_or(Failure::Garbled)
            }
            Some(_) => Err(Failure::Offline),
        }
    }

    fn heard(&mut self, _: &mut ModelRelay, _: Peer, frame: ToRelay) -> Vec<ToRelay> {
        if let ToRelay::Send { messages } = &frame {
            self.witness.borrow_mut().heard(messages);
        }
        vec![frame]
    }

    fn frame(&mut self, _: &mut ModelRelay, to: Peer, frame: FromRelay) -> Vec<FromRelay> {
        let mut wiles = self.wiles.borrow_mut();
        wiles.told.push_back(frame.clone());
        if wiles.told.len() > MEMORY {
            wiles.told.pop_front();
        }
        let Some(mut frame) = wiles.withhold_frame(to.user, frame) else {
            return Vec::new();
        };
        let is_mine = |trick: &Trick| {
            matches!(
                trick,
                Trick::DropFrame | Trick::DoubleFrame | Trick::HoldFrame | Trick::BendFrame(_) | Trick::MixRooms(_)
            )
        };
        // A connection without its Welcome would be none.
        if matches!(frame, FromRelay::Welcome { .. } | FromRelay::Bye { .. }) {
            return match wiles.take(to.browser, |trick| matches!(trick, Trick::BendFrame(_))) {
                Some(Trick::BendFrame(choice)) => bend(&frame, choice).into_iter().collect(),
                _ => vec![frame],
            };
        }
        match wiles.take(to.browser, is_mine) {
            Some(Trick::DropFrame) => Vec::new(),
            Some(Trick::DoubleFrame) => vec![frame.clone(), frame],
            Some(Trick::HoldFrame) => {
                wiles.held.push((to.browser, frame));
                Vec::new()
            }
            Some(Trick::BendFrame(choice)) => bend(&frame, choice).into_iter().collect(),
            Some(Trick::MixRooms(other)) => {
                match &mut frame {
                    FromRelay::Message { room_id, .. }
                    | FromRelay::Slot { room_id, .. }
                    | FromRelay::Log { room_id, .. }
                    | FromRelay::Wraps { room_id }
                    | FromRelay::Refused { room_id, .. } => *room_id = other,
                    _ => {}
                }
                vec![frame]
            }
            _ => vec![frame],
        }
    }

    fn quiet(&mut self, _: &mut ModelRelay) -> Vec<(usize, FromRelay)> {
        std::mem::take(&mut self.wiles.borrow_mut().held)
    }
}

impl Wiles {
    fn withhold_frame(&self, user: Option<UserId>, frame: FromRelay) -> Option<FromRelay> {
        let kept_back = match &frame {
            FromRelay::Message { room_id, .. } => self.withheld_room(user, Kind::Messages, *room_id).is_some(),
            FromRelay::Log { room_id, .. } => self.withheld_room(user, Kind::Log, *room_id).is_some(),
            FromRelay::Wraps { room_id } => self.withheld_room(user, Kind::Wraps, *room_id).is_some(),
            FromRelay::UserLog { .. } => self.withheld(user, Kind::People).next().is_some(),
            _ => false,
        };
        if kept_back {
            return None;
        }
        let FromRelay::Welcome {
            mut rooms,
            closed,
            user_log_seq,
            now_ms,
        } = frame
        else {
            return Some(frame);
        };
        for room in &mut rooms {
            if let Some(held) = self.withheld_room(user, Kind::Log, room.room_id) {
                (room.seq, room.head) = (held.then.seq, held.then.head);
            }
            if let Some(held) = self.withheld_room(user, Kind::Messages, room.room_id) {
                room.channels = held.then.channels.clone();
            }
        }
        Some(FromRelay::Welcome {
            rooms,
            closed,
            user_log_seq,
            now_ms,
        })
    }

    fn withhold(&self, user: Option<UserId>, request: &Request, mut reply: Reply) -> Reply {
        match (request, &mut reply) {
            (Request::RoomLogGet(ask), Reply::RoomLogGet(log)) => {
                if let Some(held) = self.withheld_room(user, Kind::Log, ask.room_id) {
                    log.seq = log.seq.min(held.then.seq);
                    let room_for = (log.seq + 1).saturating_sub(ask.from_seq);
                    log.entries.truncate(room_for as usize);
                }
            }
            (Request::PageGet(ask), Reply::PageGet(page)) => {
                let held = self.withheld_room(user, Kind::Messages, ask.room_id);
                if let Some(then) = held.and_then(|held| held.then.channels.first()) {
                    page.messages.retain(|message| message.seq <= then.seq);
                    let cut = |at: &mut ChannelHead| {
                        if at.seq > then.seq {
                            *at = then.clone();
                        }
                    };
                    cut(&mut page.head);
                    cut(&mut page.before);
                }
            }
            (Request::WrapsGet(ask), Reply::WrapsGet(wraps))
                if self.withheld_room(user, Kind::Wraps, ask.room_id).is_some() =>
            {
                wraps.wraps.clear();
            }
            (Request::UserFind(_), Reply::UserFind(body)) => self.hold_back(user, body, 0),
            (Request::UserLogsGet(ask), Reply::UserLogsGet(reply)) => {
                for body in &mut reply.logs {
                    let asked = ask.users.iter().find(|from| from.user_id == body.user_id);
                    self.hold_back(user, body, asked.map_or(0, |from| from.from_seq as usize));
                }
            }
            _ => {}
        }
        reply
    }

    fn hold_back(&self, user: Option<UserId>, body: &mut UserLogBody, from: usize) {
        for held in self.withheld(user, Kind::People) {
            if let Some((_, count)) = held.people.iter().find(|(other, _)| *other == body.user_id) {
                // Entry 0 is the genesis.
                body.entries.truncate(count.saturating_sub(from.max(1)));
            }
        }
    }
}
