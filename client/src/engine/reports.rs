//! Reports: members show those who may act what was written, and those verify it.
//!
//! ```text
//!  Report ─▶ each message once more from the relay: its very bytes, since here only what they say is kept ─▶ header,
//!    content and its author's signature ─▶ signed by us, sealed, the key wrapped for each who may act ─▶ reports/send
//!  reports/list ─▶ unwrap ─▶ open ─▶ the reporter's signature ─▶ that of each message, by the room's log ─▶ Reports
//! ```
//!
//! What is opened is in memory alone. A report that was settled here is not shown again, whatever the relay brings.

use std::collections::{BTreeMap, BTreeSet};

use super::record::By;
use sotto_shared::api::body::{
    Page, PageFrom, PageGet, ReportSend, ReportSettle, ReportWrap, ReportsGet, ReportsReply, SealedReport,
    StoredMessage,
};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::limits::{MAX_REPORT_READERS, MAX_REPORTS_PAGE};
use sotto_shared::codec::{Bytes, Codec, List, Text};
use sotto_shared::crypto::kem::Wrapped;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::suite::{OpenJob, Suite, UnwrapJob, WrapJob};
use sotto_shared::envelope::content::{MessageBody, OpenedContent, envelope_context};
use sotto_shared::envelope::header::Header;
use sotto_shared::id::{Head, MessageId, ReportId, RoomId, UserId};
use sotto_shared::log::room_log::{RoomKind, RoomState};
use sotto_shared::report::{
    MAX_REPORT_BYTES, MAX_REPORT_WORDS, Report, ReportInfo, Reported, open_report, seal_report,
};

use super::account::internal;
use super::ask::{Failure, Pending, Request};
use super::rooms::Room;
use super::{Ctx, Effect, Engine, Out};
use crate::view::{self, Change, Chat, Exhibit, Outcome, Problem, Proven};

/// Messages that somebody chooses; what they were changed to comes with them.
pub(crate) const MOST: usize = 20;

/// A report in the making: whoever asked for it waits until its messages are here once more.
pub(crate) struct Complaint {
    chat: Chat,
    words: String,
    about: BTreeSet<UserId>,
    /// By number, with the hash that each must have.
    wanted: BTreeMap<u64, (Head, Option<StoredMessage>)>,
}

/// What the relay had for us in a room.
#[derive(Default)]
pub(crate) struct Docket {
    sealed: Vec<SealedReport>,
    open: u32,
    items: Vec<view::Report>,
    /// How far the room's log was when they were opened, if one of them may need more of it.
    behind: Option<u64>,
    settled: BTreeSet<ReportId>,
}

impl<S: Suite> Engine<S> {
    // --- Making one ------------------------------------------------------------------------------------------------------

    pub(super) fn report(
        &mut self,
        command: u32,
        id: Chat,
        messages: &[MessageId],
        words: &str,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        let me = self.my_id().ok_or(Problem::SignedOut)?;
        let words = words.trim().replace('\0', "");
        if words.len() > MAX_REPORT_WORDS {
            return Err(Problem::TooLong {
                max: MAX_REPORT_WORDS as u32,
            });
        }
        let room = self.place(id).ok_or(Problem::RoomClosed)?;
        if messages.is_empty() || messages.len() > MOST || room.state.kind == RoomKind::Direct {
            return Err(Problem::NotAllowed);
        }
        if !room.is_member(&me) || room.frozen.is_some() {
            return Err(Problem::RoomClosed);
        }
        let (mut about, mut wanted) = (BTreeSet::new(), BTreeMap::new());
        for message in messages {
            let (hash, author) = self.standing_message(id, *message)?;
            if author == me {
                return Err(Problem::NotAllowed);
            }
            about.insert(author);
            let newest = room.edits_of(&hash, author).into_iter().next();
            for hash in std::iter::once(hash).chain(newest) {
                let record = room.channel.named(&hash).ok_or(Problem::NoSuchMessage)?;
                wanted.insert(record.seq, (hash, None));
            }
        }
        if self.report_readers(&room.state, &me, &about).is_empty() {
            return Err(Problem::NobodyToTell);
        }
        if !self.online {
            return Err(Problem::Offline);
        }
        for seq in wanted.keys() {
            let request = PageGet {
                room_id: id.room,
                channel: id.channel,
                from: PageFrom::After(seq.saturating_sub(1)),
                limit: 1,
            };
            self.ask(Request::PageGet(request), Pending::Exhibit { command, seq: *seq }, out);
        }
        let complaint = Complaint {
            chat: id,
            words,
            about,
            wanted,
        };
        self.complaints.insert(command, complaint);
        Ok(None)
    }

    /// The relay leaves out whose account it has closed: so nobody waits for them alone.
    fn report_readers(&self, state: &RoomState, by: &UserId, about: &BTreeSet<UserId>) -> Vec<UserId> {
        let readers = state
            .report_readers(by, about)
            .filter(|user| !self.people.is_closed(user));
        readers.take(MAX_REPORT_READERS).copied().collect()
    }

    pub(super) async fn exhibit_came(
        &mut self,
        command: u32,
        seq: u64,
        result: Result<Page, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(complaint) = self.complaints.get_mut(&command) else {
            return;
        };
        let found = match result {
            Ok(page) => take_exhibit(complaint, seq, page),
            Err(failure) => Err(failure.problem()),
        };
        let is_whole = complaint.wanted.values().all(|(_, message)| message.is_some());
        let done = match found {
            Ok(()) if !is_whole => return,
            Ok(()) => {
                let Some(complaint) = self.complaints.remove(&command) else {
                    return;
                };
                self.hand_in(command, complaint, ctx, out).await
            }
            Err(problem) => {
                self.complaints.remove(&command);
                Err(problem)
            }
        };
        if let Err(problem) = done {
            out.push(Effect::Answer {
                id: command,
                result: Err(problem),
            });
        }
    }

    async fn hand_in(
        &mut self,
        command: u32,
        complaint: Complaint,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<(), Problem> {
        let id = complaint.chat;
        let me = self.me.as_ref().ok_or(Problem::SignedOut)?;
        let room = self.place(id).ok_or(Problem::RoomClosed)?;
        let mut messages = Vec::with_capacity(complaint.wanted.len());
        for (seq, (_, message)) in complaint.wanted {
            let message = message.ok_or(Problem::NoSuchMessage)?;
            let header = Header::from_bytes(&message.header.0).map_err(|_| Problem::NoSuchMessage)?;
            let key = room.message_key(header.n).ok_or(Problem::NoSuchMessage)?;
            let job = OpenJob {
                key: key.expose(),
                context: envelope_context(&message.header.0),
                sealed: &message.envelope.0,
            };
            let plain = ctx.suite.open_all(&[job]).await.into_iter().next().and_then(Result::ok);
            let opened = plain.and_then(|plain| OpenedContent::parse(&plain, &header).ok());
            let (content, sig) = opened.ok_or(Problem::NoSuchMessage)?.signed();
            messages.push(Reported {
                seq,
                header: Bytes::new(message.header.0).map_err(internal)?,
                content: Bytes::new(content).map_err(internal)?,
                sig,
            });
        }
        let mut report_id = [0; 16];
        ctx.rng.fill_bytes(&mut report_id);
        let report = Report {
            room_id: id.room,
            report_id: ReportId::from_bytes(report_id),
            user_id: me.user_id,
            dk_id: me.dk_id,
            log_seq: room.state.seq,
            log_head: room.state.head,
            ts: ctx.now_ms,
            words: Text::new(&complaint.words).map_err(internal)?,
            messages: List::new(messages).map_err(internal)?,
        };
        let bytes = report.to_bytes();
        if bytes.len() > MAX_REPORT_BYTES {
            return Err(Problem::ReportTooLong);
        }
        let readers = self.report_readers(&room.state, &me.user_id, &complaint.about);
        if readers.is_empty() {
            return Err(Problem::NobodyToTell);
        }
        let sig = ctx.suite.sign(&me.key, Label::Report, &bytes).await.map_err(internal)?;
        let mut key = zeroize::Zeroizing::new([0; 32]);
        ctx.rng.fill_bytes(key.as_mut());
        let sealed = seal_report(ctx.rng, &key, &id.room, &report.report_id, &bytes, &sig);
        let (mut infos, mut jobs) = (Vec::new(), Vec::new());
        for user in &readers {
            let Some(member) = room.state.members.get(user) else {
                continue;
            };
            let info = ReportInfo {
                room_id: id.room,
                report_id: report.report_id,
                user_id: *user,
                g: member.view.kem_g,
            };
            jobs.push(WrapJob {
                recipient: member.view.kk,
                info: info.info(),
            });
            infos.push(info);
        }
        let wrapped = ctx.suite.wrap_all(ctx.rng, &key, &jobs).await;
        let wraps = infos.into_iter().zip(wrapped).map(|(info, wrapped)| {
            let wrapped = wrapped.map_err(internal)?;
            Ok(ReportWrap {
                user_id: info.user_id,
                g: info.g,
                enc: wrapped.enc.into(),
                ct: wrapped.ct.into(),
            })
        });
        let request = ReportSend {
            room_id: id.room,
            report_id: report.report_id,
            sealed: sealed.into(),
            wraps: wraps.collect::<Result<_, Problem>>()?,
        };
        self.ask(Request::ReportSend(request), Pending::Reported { command }, out);
        Ok(())
    }

    pub(super) fn reported(&self, command: u32, result: Result<(), Failure>, out: &mut Out<S::DeviceKey>) {
        let result = match result {
            Ok(()) => Ok(Outcome::Done),
            Err(failure) if failure.is(ErrorCode::TooLarge) => Err(Problem::TooManyReports),
            Err(failure) => Err(failure.problem()),
        };
        out.push(Effect::Answer { id: command, result });
    }

    // --- Going through them ----------------------------------------------------------------------------------------------

    fn hears_reports(&self, id: &RoomId) -> bool {
        let (Some(room), Some(me)) = (self.rooms.get(id), self.my_id()) else {
            return false;
        };
        room.frozen.is_none() && room.is_member(&me) && room.state.hears_reports(&me)
    }

    /// What waits in the rooms where this person may act.
    pub(super) fn fetch_all_reports(&mut self, out: &mut Out<S::DeviceKey>) {
        let ids: Vec<RoomId> = self.rooms.keys().copied().collect();
        for id in ids {
            self.fetch_reports(id, None, out);
        }
    }

    pub(super) fn fetch_reports(&mut self, id: RoomId, command: Option<u32>, out: &mut Out<S::DeviceKey>) {
        if !self.online || !self.hears_reports(&id) {
            return;
        }
        let under_way = |pending: &mut Pending<S::DeviceKey>| match pending {
            Pending::Reports { room, again, .. } if *room == id => {
                *again = true;
                true
            }
            _ => false,
        };
        // What was asked may be answered already, without what is asked for now.
        if command.is_none() && self.pending.values_mut().any(under_way) {
            return;
        }
        let pending = Pending::Reports {
            room: id,
            command,
            again: false,
        };
        self.ask(Request::ReportsGet(ReportsGet { room_id: id }), pending, out);
    }

    pub(super) fn list_reports(
        &mut self,
        command: u32,
        id: RoomId,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        if !self.hears_reports(&id) {
            return Err(Problem::NotAllowed);
        }
        if !self.online {
            return Err(Problem::Offline);
        }
        self.fetch_reports(id, Some(command), out);
        Ok(None)
    }

    pub(super) async fn reports_came(
        &mut self,
        id: RoomId,
        command: Option<u32>,
        result: Result<ReportsReply, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let result = match result {
            Ok(reply) => {
                let docket = self.dockets.entry(id).or_default();
                let mut seen = BTreeSet::new();
                docket.sealed = (reply.reports.into_iter())
                    .filter(|report| seen.insert(report.report_id) && !docket.settled.contains(&report.report_id))
                    .take(MAX_REPORTS_PAGE as usize)
                    .collect();
                docket.open = reply.open.max(docket.sealed.len() as u32);
                if docket.sealed.is_empty() {
                    docket.open = 0;
                }
                self.open_reports(id, ctx, out).await;
                Ok(Outcome::Done)
            }
            Err(failure) => Err(failure.problem()),
        };
        if let Some(command) = command {
            out.push(Effect::Answer { id: command, result });
        }
    }

    /// The room's log went on: somebody may not act any more, or what named a later entry can be verified.
    pub(super) async fn follow_reports(&mut self, id: RoomId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        if !self.hears_reports(&id) {
            if let Some(docket) = self.dockets.remove(&id)
                && !docket.items.is_empty()
            {
                self.show_reports(id, out);
            }
            return;
        }
        let seq = self.rooms.get(&id).map(|room| room.state.seq);
        match self.dockets.get(&id) {
            None => self.fetch_reports(id, None, out),
            Some(docket) if docket.behind.is_some_and(|behind| seq > Some(behind)) => {
                self.open_reports(id, ctx, out).await;
            }
            Some(_) => {}
        }
    }

    async fn open_reports(&mut self, id: RoomId, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let (Some(me), Some(room), Some(docket)) = (&self.me, self.rooms.get(&id), self.dockets.get(&id)) else {
            return;
        };
        let mut items = Vec::with_capacity(docket.sealed.len());
        let mut is_behind = false;
        for sealed in &docket.sealed {
            let info = ReportInfo {
                room_id: id,
                report_id: sealed.report_id,
                user_id: me.user_id,
                g: sealed.g,
            };
            let job = UnwrapJob {
                info: info.info(),
                wrapped: Wrapped {
                    enc: sealed.enc.0.clone(),
                    ct: sealed.ct.0.clone(),
                },
            };
            let key = match me.vault.kem.get(&sealed.g) {
                Some(kem) => ctx.suite.unwrap_all(kem, &[job]).await.into_iter().next(),
                None => None,
            };
            let key: Option<[u8; 32]> = key.and_then(|plain| plain.ok()?.as_slice().try_into().ok());
            let report = match key {
                Some(key) => self.verify_report(room, sealed, &key, ctx.suite).await,
                None => None,
            };
            is_behind |= report.is_none();
            let said = match report {
                Some(report) => Some(self.read_report(room, report, ctx).await),
                None => None,
            };
            is_behind |=
                (said.iter().flat_map(|said| &said.messages)).any(|shown| matches!(shown, Exhibit::Unverified));
            items.push(view::Report {
                id: sealed.report_id,
                said,
            });
        }
        let seq = room.state.seq;
        if let Some(docket) = self.dockets.get_mut(&id) {
            docket.items = items;
            docket.behind = is_behind.then_some(seq);
        }
        self.show_reports(id, out);
    }

    /// Signed by a member, as the room's log has them.
    async fn verify_report(&self, room: &Room, sealed: &SealedReport, key: &[u8; 32], suite: &S) -> Option<Report> {
        let signer = |user: &UserId, device: &_, seq| room.state.author_key(user, device, seq);
        let claim = open_report(key, &room.state.room_id, &sealed.report_id, &sealed.sealed.0, signer).ok()?;
        let verdicts = suite.verify_all(claim.jobs()).await;
        let report = claim.prove(&verdicts).ok()?;
        room.has_entry(report.log_seq, &report.log_head).then_some(report)
    }

    async fn read_report(&self, room: &Room, report: Report, ctx: &Ctx<'_, S>) -> view::Reported {
        let mut messages = Vec::with_capacity(report.messages.as_slice().len());
        for message in report.messages.as_slice() {
            messages.push(
                self.read_exhibit(room, message, ctx)
                    .await
                    .unwrap_or(Exhibit::Unverified),
            );
        }
        view::Reported {
            by: report.user_id,
            at_ms: room.clamp(report.ts, ctx.now_ms),
            words: report.words.as_str().to_owned(),
            messages,
        }
    }

    /// `None`: nothing shows that anybody in this room wrote it.
    async fn read_exhibit(&self, room: &Room, message: &Reported, ctx: &Ctx<'_, S>) -> Option<Exhibit> {
        let signer = |user: &UserId, device: &_, channel: &_, seq| room.state.writer_key(user, device, channel, seq);
        let claim = message.claim(&room.state.room_id, signer)?;
        let verdicts = ctx.suite.verify_all(claim.jobs()).await;
        let (header, content) = claim.prove(&verdicts).ok()?;
        if !room.has_entry(content.log_seq, &content.log_head) {
            return None;
        }
        let is_change = matches!(content.body, MessageBody::Edit { .. });
        let chat = Chat {
            room: room.state.room_id,
            channel: header.channel,
        };
        let text = said(content.body)?;
        let here = self.place(chat).and_then(|place| {
            let mut there = place.channel.messages.values();
            Some((there.find(|there| there.msg_id == header.msg_id)?, place))
        });
        // Another message has its number: this one was signed, and never written here.
        let by = here.and_then(|(found, _)| found.body.by());
        let is_it = |by: By| {
            (by.author, by.device, by.lane, by.ctr) == (content.user_id, content.dk_id, content.lane, content.ctr)
        };
        if !by.is_none_or(is_it) {
            return None;
        }
        let here = here.map(|(found, place)| place.redacted.contains_key(&found.hash) || !found.body.speaks());
        Some(Exhibit::Verified(Proven {
            by: content.user_id,
            channel: header.channel,
            message: header.msg_id,
            at_ms: room.clamp(content.ts, ctx.now_ms),
            text,
            is_change,
            is_gone: !is_change && here == Some(true),
        }))
    }

    fn show_reports(&self, id: RoomId, out: &mut Out<S::DeviceKey>) {
        let docket = self.dockets.get(&id);
        out.push(Effect::Show(Change::Reports(view::Reports {
            room: id,
            open: docket.map_or(0, |docket| docket.open),
            items: docket.map(|docket| docket.items.clone()).unwrap_or_default(),
        })));
    }

    /// It is dealt with.
    pub(super) fn settle_report(
        &mut self,
        command: u32,
        id: RoomId,
        report: ReportId,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        if !self.hears_reports(&id) {
            return Err(Problem::NotAllowed);
        }
        if !self.online {
            return Err(Problem::Offline);
        }
        let request = ReportSettle {
            room_id: id,
            report_id: report,
        };
        let pending = Pending::Settled {
            command,
            room: id,
            report,
        };
        self.ask(Request::ReportSettle(request), pending, out);
        Ok(None)
    }

    pub(super) fn report_settled(
        &mut self,
        command: u32,
        id: RoomId,
        report: ReportId,
        result: Result<(), Failure>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let result = match result {
            Ok(()) => {
                let docket = self.dockets.entry(id).or_default();
                docket.settled.insert(report);
                let before = docket.items.len();
                docket.items.retain(|item| item.id != report);
                docket.sealed.retain(|sealed| sealed.report_id != report);
                docket.open = docket.open.saturating_sub((before - docket.items.len()) as u32);
                self.show_reports(id, out);
                self.fetch_reports(id, None, out);
                Ok(Outcome::Done)
            }
            Err(failure) => Err(failure.problem()),
        };
        out.push(Effect::Answer { id: command, result });
    }
}

impl Room {
    fn has_entry(&self, seq: u64, head: &Head) -> bool {
        usize::try_from(seq).is_ok_and(|seq| self.state.hashes.get(seq) == Some(head))
    }
}

/// The very message, and no other.
fn take_exhibit(complaint: &mut Complaint, seq: u64, page: Page) -> Result<(), Problem> {
    let (hash, place) = complaint.wanted.get_mut(&seq).ok_or(Problem::NoSuchMessage)?;
    let message = page.messages.into_iter().next().ok_or(Problem::NoSuchMessage)?;
    if message.gone.is_some() {
        return Err(Problem::NoSuchMessage);
    }
    if message.seq != seq || message.hash().as_bytes() != hash.as_bytes() {
        return Err(Problem::ServerLied("another message than the one reported".into()));
    }
    *place = Some(message);
    Ok(())
}

/// What a message says in words.
fn said(body: MessageBody) -> Option<String> {
    Some(match body {
        MessageBody::Text { text }
        | MessageBody::FadingText { text, .. }
        | MessageBody::Post { text, .. }
        | MessageBody::Forwarded { text, .. }
        | MessageBody::Edit { text, .. } => text.as_str().to_owned(),
        MessageBody::Poll { question, options, .. } => {
            let options = options
                .as_slice()
                .iter()
                .map(|option| format!("\n• {}", option.as_str()));
            std::iter::once(question.as_str().to_owned()).chain(options).collect()
        }
        _ => return None,
    })
}
