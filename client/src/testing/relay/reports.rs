//! Reports. Mirrors `server/src/mailbox/reports`.

use std::collections::BTreeSet;

use sotto_shared::api::B64;
use sotto_shared::api::body::*;
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::FromRelay;
use sotto_shared::api::limits::{
    MAX_OPEN_REPORTS, MAX_REPORT_READERS, MAX_REPORTS_PAGE, MAX_ROOM_REPORTS, REPORT_DAYS,
};
use sotto_shared::envelope::header::is_envelope_size;
use sotto_shared::id::{ReportId, RoomId, UserId};

use super::rooms::StoredRoom;
use super::{Answer, ModelRelay, Session};

/// One that nobody has settled.
#[derive(Debug, Clone)]
pub struct StoredReport {
    pub id: ReportId,
    pub expires_ms: u64,
    pub sealed: B64,
    pub wraps: Vec<ReportWrap>,
}

impl StoredReport {
    fn readers(&self) -> BTreeSet<UserId> {
        self.wraps.iter().map(|wrap| wrap.user_id).collect()
    }
}

fn check(room: &StoredRoom, session: &Session, wraps: &[ReportWrap]) -> Answer<()> {
    let state = &room.state;
    let is_here = state.members.get(&session.user_id);
    let signs = is_here.is_some_and(|member| member.view.active_device(&session.dk_id).is_some());
    if !signs || state.closed {
        return Err(ErrorCode::Forbidden);
    }
    if wraps.is_empty() {
        return Err(ErrorCode::InvalidEntry);
    }
    let mut seen = BTreeSet::new();
    for wrap in wraps {
        let is_key = wrap.enc.0.len() == 65 && wrap.enc.0.first() == Some(&4) && wrap.ct.0.len() == 48;
        if !is_key || !seen.insert(wrap.user_id) {
            return Err(ErrorCode::Malformed);
        }
        let member = state.members.get(&wrap.user_id).ok_or(ErrorCode::InvalidEntry)?;
        let fits = wrap.user_id != session.user_id && wrap.g == member.view.kem_g;
        if !fits || !state.hears_reports(&wrap.user_id) {
            return Err(ErrorCode::InvalidEntry);
        }
    }
    Ok(())
}

impl ModelRelay {
    pub(super) fn report_send(&mut self, session: &Session, ask: &ReportSend) -> Answer<Empty> {
        if !is_envelope_size(ask.sealed.0.len()) || !(1..=MAX_REPORT_READERS).contains(&ask.wraps.len()) {
            return Err(ErrorCode::Malformed);
        }
        let now_ms = self.now_ms;
        let room = self.rooms.get_mut(&ask.room_id).ok_or(ErrorCode::NotFound)?;
        room.membership(&session.user_id)?;
        let is_closed = |user: &UserId| self.people.0.get(user).is_some_and(|account| account.closed);
        let mut wraps = ask.wraps.clone();
        wraps.retain(|wrap| !is_closed(&wrap.user_id));
        check(room, session, &wraps)?;
        match room.reports.iter().find(|there| there.id == ask.report_id) {
            Some(there) if there.sealed == ask.sealed => return Ok(Empty {}),
            Some(_) => return Err(ErrorCode::Duplicate),
            None => {}
        }
        let waiting = |user: &UserId| {
            (room.reports.iter())
                .filter(|report| report.readers().contains(user))
                .count() as u64
        };
        wraps.retain(|wrap| waiting(&wrap.user_id) < MAX_OPEN_REPORTS);
        if wraps.is_empty() || room.reports.len() as u64 >= MAX_ROOM_REPORTS {
            return Err(ErrorCode::TooLarge);
        }
        let report = StoredReport {
            id: ask.report_id,
            expires_ms: now_ms + REPORT_DAYS * 24 * 3600 * 1000,
            sealed: ask.sealed.clone(),
            wraps,
        };
        let readers = report.readers();
        room.reports.push(report);
        self.announce_reports(&ask.room_id, &readers);
        Ok(Empty {})
    }

    pub(super) fn reports_get(&self, session: &Session, ask: &ReportsGet) -> Answer<ReportsReply> {
        let room = self.rooms.get(&ask.room_id).ok_or(ErrorCode::NotFound)?;
        room.may_hear(&session.user_id)?;
        let own = room.reports.iter().filter_map(|report| {
            let wrap = report.wraps.iter().find(|wrap| wrap.user_id == session.user_id)?;
            Some(SealedReport {
                report_id: report.id,
                sealed: report.sealed.clone(),
                g: wrap.g,
                enc: wrap.enc.clone(),
                ct: wrap.ct.clone(),
            })
        });
        let mut reports: Vec<SealedReport> = own.collect();
        let open = reports.len() as u32;
        reports.truncate(MAX_REPORTS_PAGE as usize);
        Ok(ReportsReply { reports, open })
    }

    pub(super) fn report_settle(&mut self, session: &Session, ask: &ReportSettle) -> Answer<Empty> {
        let room = self.rooms.get_mut(&ask.room_id).ok_or(ErrorCode::NotFound)?;
        room.may_hear(&session.user_id)?;
        let is_it = |report: &StoredReport| report.id == ask.report_id && report.readers().contains(&session.user_id);
        if let Some(at) = room.reports.iter().position(is_it) {
            let readers = room.reports.remove(at).readers();
            self.announce_reports(&ask.room_id, &readers);
        }
        Ok(Empty {})
    }

    fn announce_reports(&mut self, id: &RoomId, readers: &BTreeSet<UserId>) {
        for user in readers {
            self.tell(user, &FromRelay::Reports { room_id: *id });
        }
    }
}

impl StoredRoom {
    fn may_hear(&self, user: &UserId) -> Answer<()> {
        self.membership(user)?;
        if self.state.hears_reports(user) {
            Ok(())
        } else {
            Err(ErrorCode::Forbidden)
        }
    }
}
