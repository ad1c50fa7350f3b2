//! A conversation: a room, and one of its channels.
//!
//! Direct messages and groups have one channel, `MAIN`; a space has those that its log names. What is said, sent, read and
//! fetched belongs to the channel; who is there and under which keys, to the room.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Deref, DerefMut, Range};

use sotto_shared::crypto::epoch::channel_secret;
use sotto_shared::crypto::secret::{DerivedKey, EpochSecret};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::envelope::content::message_key;
use sotto_shared::envelope::transcript::Transcript;
use sotto_shared::id::{ChannelId, DeviceKeyId, EnvelopeHash, Head, RoomId, UserId};
use sotto_shared::log::room_log::RoomKind;

use super::Engine;
use super::bodies::Index;
use super::contacts::Decided;
use super::outbox::Outbox;
use super::polls::Tally;
use super::profiles::{Own, Telling};
use super::reactions::Marks;
use super::receipts::Receipt;
use super::record::{self, ChannelRecord, Deletion, Key, LaneRecord, MessageRecord, PreviewRecord, Record};
use super::rooms::Room;
use super::sync::Pages;
use super::threads::Threads;
use crate::view::Chat;

/// Senders' chains that are kept across reloads.
const KEPT_LANES: usize = 64;

/// The room's messages, as far as they are known here.
pub(crate) struct Channel {
    pub id: Chat,
    /// Verified up to here.
    pub at: Transcript,
    /// Number of the oldest message kept in this browser; `at.seq + 1` when there is none.
    pub oldest: u64,
    pub before_oldest: Head,
    /// In memory: without holes from its first key to `at.seq`.
    pub messages: BTreeMap<u64, MessageRecord>,
    /// By device and lane.
    pub lanes: HashMap<(DeviceKeyId, [u8; 8]), LaneEnd>,
    /// Of chains that ended up to this number there may be some that are not known here. What begins one that is not known
    /// must have been written after it, or it may be an old message that comes again.
    pub lanes_from: u64,
    /// The newest log entry that the author of any message so far had seen.
    pub log_seq: u64,
    pub read_seq: u64,
    /// How often something was marked as unread again.
    pub turn: u32,
    /// When this mark was set, milliseconds since 1970; 0: never.
    pub read_ms: u64,
    /// `unread` is right; else there is at least as much.
    pub exact: bool,
    /// Where what was unread began when the room was opened: the line stays while one reads.
    pub unread_from: u64,
    pub epoch_seq: u64,
    pub unread: u32,
    /// Unread messages that call or answer this person.
    pub mentions: u32,
    pub preview: Option<PreviewRecord>,
    /// The page has rows from this number on.
    pub shown_from: u64,
    pub index: Index,
    /// What was counted of the polls in memory.
    pub tallies: HashMap<Head, Tally>,
    /// What was counted of the reactions to texts in memory.
    pub marks: HashMap<Head, Marks>,
    pub threads: Threads,
    /// The newest whose sender is not known here: emptied before they were read, or locked when they came.
    pub passed_over: Vec<(u64, Head)>,
    /// From which message on some are to go, and when the first of them does.
    pub fades: Option<(u64, u64)>,
    /// Messages of ours that are deleted, whose bytes the server may still have.
    pub deletions: Vec<Deletion>,
    /// What members have read, by their newest word.
    pub receipts: BTreeMap<UserId, Receipt>,
    /// Up to which message each member's browsers have verified, by their newest statement of where they stand.
    pub reached: BTreeMap<UserId, u64>,
    /// When something of others that came was last told to have come.
    pub reached_ms: u64,
    /// How far the others were told what this person is called, and of their picture.
    pub profile: Telling,
    pub picture: Telling,
    /// What is kept is wanted in memory from this number on: something in it is to be taken away.
    pub wanted: Option<u64>,
    pub outbox: Outbox,
    pub pages: Pages,
    /// When this browser last said where it stands, or heard somebody say the same. Milliseconds since 1970.
    pub beacon_ms: u64,
    /// When it last told what was read here, and up to which message.
    pub receipt_ms: u64,
    pub receipt_read: u64,
    /// Up to here there is nothing that it would tell: there may be very many messages without a word.
    pub receipt_none: u64,
}

/// How far one chain of a sender's messages goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LaneEnd {
    pub ctr: u64,
    /// The newest envelope, and its number in the channel.
    pub head: Head,
    pub seq: u64,
}

impl Channel {
    pub fn new(id: Chat) -> Self {
        let at = Transcript::start(&id.room, &id.channel);
        Self {
            id,
            at,
            oldest: 1,
            before_oldest: at.t,
            messages: BTreeMap::new(),
            lanes: HashMap::new(),
            lanes_from: 0,
            log_seq: 0,
            read_seq: 0,
            turn: 0,
            read_ms: 0,
            exact: true,
            unread_from: 1,
            epoch_seq: 0,
            unread: 0,
            mentions: 0,
            preview: None,
            shown_from: 1,
            index: Index::default(),
            tallies: HashMap::new(),
            marks: HashMap::new(),
            threads: Threads::default(),
            passed_over: Vec::new(),
            fades: None,
            deletions: Vec::new(),
            receipts: BTreeMap::new(),
            reached: BTreeMap::new(),
            reached_ms: 0,
            profile: Telling::default(),
            picture: Telling::default(),
            wanted: None,
            outbox: Outbox::default(),
            pages: Pages::default(),
            beacon_ms: 0,
            receipt_ms: 0,
            receipt_read: 0,
            receipt_none: 0,
        }
    }

    pub const fn telling(&self, own: Own) -> Telling {
        match own {
            Own::Profile => self.profile,
            Own::Picture => self.picture,
        }
    }

    pub const fn telling_mut(&mut self, own: Own) -> &mut Telling {
        match own {
            Own::Profile => &mut self.profile,
            Own::Picture => &mut self.picture,
        }
    }

    /// The transcript after message `seq`, where it is known.
    pub fn t_at(&self, seq: u64) -> Option<Head> {
        if seq == self.at.seq {
            return Some(self.at.t);
        }
        if seq.checked_add(1) == Some(self.oldest) {
            return Some(self.before_oldest);
        }
        self.messages.get(&seq).map(|message| message.t)
    }

    /// The newest log entry that the authors of these messages had seen, of those in memory.
    pub fn log_seq_in(&self, seqs: Range<u64>) -> u64 {
        let seen = self.messages.range(seqs).filter_map(|(_, message)| message.body.by());
        seen.map(|by| by.log_seq).max().unwrap_or_default()
    }

    /// Which message in memory stands at a place of its sender's chain.
    pub fn lane_places(&self) -> BTreeMap<(DeviceKeyId, [u8; 8], u64), u64> {
        let signed = self
            .messages
            .iter()
            .rev()
            .filter_map(|(seq, message)| Some((*seq, message.body.by()?)));
        signed.map(|(seq, by)| ((by.device, by.lane, by.ctr), seq)).collect()
    }

    /// Whether `at` is the transcript ahead of the first message in memory.
    pub fn joins(&self, at: &Transcript) -> bool {
        let first = self.first_loaded();
        if at.seq + 1 != first {
            return false;
        }
        match self.messages.get(&first) {
            Some(message) => at.then(&EnvelopeHash::from_bytes(*message.hash.as_bytes())).t == message.t,
            None => at.t == self.at.t,
        }
    }

    /// First message in memory; `at.seq + 1` when there is none.
    pub fn first_loaded(&self) -> u64 {
        self.messages.first_key_value().map_or(self.at.seq + 1, |(seq, _)| *seq)
    }

    pub fn to_record(&self) -> Record {
        let mut lanes: Vec<LaneRecord> = (self.lanes.iter())
            .map(|((device, lane), end)| LaneRecord {
                device: *device,
                lane: *lane,
                ctr: end.ctr,
                head: end.head,
                seq: end.seq,
            })
            .collect();
        lanes.sort_unstable_by_key(|lane| std::cmp::Reverse(lane.seq));
        let lanes_from = lanes
            .get(KEPT_LANES)
            .map_or(0, |newest| newest.seq)
            .max(self.lanes_from);
        lanes.truncate(KEPT_LANES);
        let record = ChannelRecord {
            room_id: self.id.room,
            channel: self.id.channel,
            seq: self.at.seq,
            t: self.at.t,
            oldest: self.oldest,
            before_oldest: self.before_oldest,
            read_seq: self.read_seq,
            turn: self.turn,
            read_ms: self.read_ms,
            guessed: !self.exact,
            epoch_seq: self.epoch_seq,
            unread: self.unread,
            mentions: self.mentions,
            preview: self.preview.clone(),
            lanes,
            lanes_from,
            log_seq: self.log_seq,
            passed_over: self.passed_over.clone(),
            fades: self.fades,
            deletions: self.deletions.clone(),
            threads: self.threads.to_record(),
            profile_told: self.profile.told,
            picture_told: self.picture.told,
            receipts: self.receipts.iter().map(|(user, receipt)| (*user, *receipt)).collect(),
            reached: self.reached.iter().map(|(user, seq)| (*user, *seq)).collect(),
        };
        record::save(Key::Channel(self.id), &record)
    }

    pub fn restore(&mut self, record: ChannelRecord) {
        self.at = Transcript {
            seq: record.seq,
            t: record.t,
        };
        self.oldest = record.oldest;
        self.before_oldest = record.before_oldest;
        self.read_seq = record.read_seq;
        (self.turn, self.read_ms, self.exact) = (record.turn, record.read_ms, !record.guessed);
        self.epoch_seq = record.epoch_seq;
        self.unread = record.unread;
        self.mentions = record.mentions;
        self.preview = record.preview;
        self.shown_from = record.seq + 1;
        let ends = record.lanes.into_iter().map(|lane| {
            let LaneRecord {
                device,
                lane,
                ctr,
                head,
                seq,
            } = lane;
            ((device, lane), LaneEnd { ctr, head, seq })
        });
        self.lanes = ends.collect();
        self.lanes_from = record.lanes_from;
        self.log_seq = record.log_seq;
        self.passed_over = record.passed_over;
        self.fades = record.fades;
        self.deletions = record.deletions;
        self.threads.restore(record.threads);
        self.receipts = record.receipts.into_iter().collect();
        self.reached = record.reached.into_iter().collect();
        self.profile.told = record.profile_told;
        self.picture.told = record.picture_told;
    }
}

/// A room and one of its channels, to be read. What a room has is at hand as its own.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub room: &'a Room,
    pub channel: &'a Channel,
    pub decided: &'a Decided,
}

impl Deref for Place<'_> {
    type Target = Room;
    fn deref(&self) -> &Room {
        self.room
    }
}

/// The same, to be changed.
pub(crate) struct PlaceMut<'a> {
    pub room: &'a mut Room,
    pub channel: &'a mut Channel,
    pub decided: &'a Decided,
}

impl Deref for PlaceMut<'_> {
    type Target = Room;
    fn deref(&self) -> &Room {
        self.room
    }
}

impl DerefMut for PlaceMut<'_> {
    fn deref_mut(&mut self) -> &mut Room {
        self.room
    }
}

impl PlaceMut<'_> {
    pub const fn view(&self) -> Place<'_> {
        Place {
            room: self.room,
            channel: self.channel,
            decided: self.decided,
        }
    }
}

/// Where rooms and channels can be borrowed apart from the rest of the engine.
pub(super) fn place_mut<'a>(
    rooms: &'a mut BTreeMap<RoomId, Room>,
    channels: &'a mut BTreeMap<Chat, Channel>,
    decided: &'a Decided,
    id: Chat,
) -> Option<PlaceMut<'a>> {
    Some(PlaceMut {
        room: rooms.get_mut(&id.room)?,
        channel: channels.get_mut(&id)?,
        decided,
    })
}

impl Place<'_> {
    /// Whose keys its messages are under.
    pub fn key(&self) -> ChannelId {
        self.state.key_of(&self.channel.id.channel)
    }

    pub fn is_archived(&self) -> bool {
        let channel = self.state.channels.get(&self.channel.id.channel);
        channel.is_some_and(|channel| channel.archived)
    }

    /// Whether it is a channel that this person does not read any more, or of a space that they are not in any more.
    pub fn is_over_for(&self, me: &UserId) -> bool {
        self.state.kind == RoomKind::Space && !self.state.may_read(me, &self.channel.id.channel)
    }

    /// Number of the newest of those keys; 0 before the first.
    pub fn epoch_number(&self) -> u32 {
        self.state.newest_of(&self.key())
    }

    /// Whether the secret of this epoch is here.
    pub fn has_key(&self, n: u32) -> bool {
        self.secret(n).is_some()
    }

    fn secret(&self, n: u32) -> Option<&EpochSecret> {
        self.room.secrets(&self.key())?.get(&n)
    }

    /// How many keys of it are here.
    pub fn key_count(&self) -> usize {
        self.room.secrets(&self.key()).map_or(0, BTreeMap::len)
    }

    /// What its messages of epoch `n` are sealed under.
    pub fn message_key(&self, n: u32) -> Option<DerivedKey> {
        let (secret, id) = (self.secret(n)?, self.channel.id);
        let is_public = self.state.kind == RoomKind::Space && self.key() == ChannelId::MAIN;
        Some(if is_public {
            message_key(&channel_secret(secret, &id.channel), &id.room, &id.channel)
        } else {
            message_key(secret, &id.room, &id.channel)
        })
    }
}

impl<S: Suite> Engine<S> {
    pub(super) fn place(&self, id: Chat) -> Option<Place<'_>> {
        Some(Place {
            room: self.rooms.get(&id.room)?,
            channel: self.channels.get(&id)?,
            decided: &self.contacts,
        })
    }

    pub(super) fn place_mut(&mut self, id: Chat) -> Option<PlaceMut<'_>> {
        place_mut(&mut self.rooms, &mut self.channels, &self.contacts, id)
    }

    /// Every conversation of a room.
    pub(super) fn chats_of(&self, room: RoomId) -> Vec<Chat> {
        self.channels_of(room).map(|channel| channel.id).collect()
    }

    pub(super) fn channels_of(&self, room: RoomId) -> impl Iterator<Item = &Channel> {
        let first = Chat::from(room);
        let of_room = self.channels.range(first..);
        of_room
            .take_while(move |(id, _)| id.room == room)
            .map(|(_, channel)| channel)
    }

    /// Has a place for every channel of a room that this person can read.
    pub(super) fn open_channels(&mut self, room: RoomId) {
        let (Some(there), Some(me)) = (self.rooms.get(&room), self.my_id()) else {
            return;
        };
        for channel in there.state.channel_ids() {
            let id = Chat { room, channel };
            if there.state.kind != RoomKind::Space || there.state.may_read(&me, &channel) {
                self.channels.entry(id).or_insert_with(|| Channel::new(id));
            }
        }
    }
}
