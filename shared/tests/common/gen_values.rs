//! Values of every encoded type, from a seed.

use rand::Rng;
use sotto_shared::api::body::{
    InviteProof, KeyChange, LoginProof, PeekProof, RecoveryChange, Registration, SessionProof, VaultPutRecord,
};
use sotto_shared::attention::{Choice, Level, Levels, Mark, Marks, Usual};
use sotto_shared::codec::{Bytes, List, Text};
use sotto_shared::contacts::{Contact, ContactState, Contacts, OwnProfile};
use sotto_shared::crypto::kem::{KeyRequest, WrapInfo};
use sotto_shared::crypto::sign::{PublicKey, SignedBlob};
use sotto_shared::envelope::content::{Content, Here, MessageBody};
use sotto_shared::envelope::header::{Header, MessageKind};
use sotto_shared::file::{File, FileKey, FileKind};
use sotto_shared::id::{
    BlobId, ChannelId, DeviceKeyId, EnvelopeHash, Head, InviteId, ItemId, MessageId, PictureId, ReportId, RoomId,
    UserId,
};
use sotto_shared::link::InviteCard;
use sotto_shared::log::channels::ChannelKind;
use sotto_shared::log::roles::{CustomRole, Rights};
use sotto_shared::log::room_log::{
    Cut, EpochReason, History, JoinMode, MemberRef, Policy, Role, RoomBody, RoomEntry, RoomGenesis, RoomKind,
};
use sotto_shared::log::user_log::{UserBody, UserEntry, UserGenesis};
use sotto_shared::picture::{OwnPicture, Picture};
use sotto_shared::report::{Report, ReportInfo, Reported};
use sotto_shared::testing::FixedRng;
use sotto_shared::testing::people::public_key;
use sotto_shared::vault::{Manifest, Method, Pin, PinState, Saved, SavedList, VaultHeader, VaultWrap};

pub struct Gen(FixedRng);

impl Gen {
    pub fn new(seed: u64) -> Self {
        Self(FixedRng::new(&seed.to_string()))
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.0.next_u64() % limit as u64) as usize
    }

    pub fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    pub fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.0.fill_bytes(&mut out);
        out
    }

    /// Often small, sometimes at an edge.
    pub fn u64(&mut self) -> u64 {
        match self.below(4) {
            0 => self.0.next_u64(),
            1 => self.one(&[0, 1, u64::MAX, u64::MAX - 1, 1 << 32, i64::MAX as u64]),
            _ => self.below(20) as u64,
        }
    }

    pub fn u32(&mut self) -> u32 {
        match self.below(3) {
            0 => self.0.next_u32(),
            1 => self.one(&[0, 1, u32::MAX, u32::MAX - 1]),
            _ => self.below(20) as u32,
        }
    }

    pub fn u8(&mut self) -> u8 {
        self.0.next_u32() as u8
    }

    /// Empty, short, or as long as it may be.
    fn len(&mut self, max: usize) -> usize {
        match self.below(8) {
            0 => 0,
            1 => max,
            _ => self.below(max.min(40) + 1),
        }
    }

    pub fn vec(&mut self, max: usize) -> Vec<u8> {
        let mut out = vec![0; self.len(max)];
        self.0.fill_bytes(&mut out);
        out
    }

    pub fn bytes<const MAX: usize>(&mut self) -> Bytes<MAX> {
        Bytes::new(self.vec(MAX)).unwrap()
    }

    pub fn text<const MAX: usize>(&mut self) -> Text<MAX> {
        let limit = self.len(MAX);
        let mut out = String::new();
        loop {
            let next = self.one(&[
                'a', 'Z', '0', '"', '\\', '\0', '\n', 'é', 'ß', '\u{301}', '漢', '🦀', '\u{202e}',
            ]);
            if out.len() + next.len_utf8() > limit {
                return Text::new(out).unwrap();
            }
            out.push(next);
        }
    }

    pub fn list<T, const MAX: usize>(&mut self, mut item: impl FnMut(&mut Self) -> T) -> List<T, MAX> {
        let len = self.below(MAX.min(3) + 1);
        List::new((0..len).map(|_| item(self)).collect()).unwrap()
    }

    pub fn key(&mut self) -> PublicKey {
        let name = self.one(&["k0", "k1", "k2"]);
        public_key(name)
    }

    pub fn user(&mut self) -> UserId {
        UserId::from_bytes(self.array())
    }
    pub fn room(&mut self) -> RoomId {
        RoomId::from_bytes(self.array())
    }
    pub fn head(&mut self) -> Head {
        Head::from_bytes(self.array())
    }
    pub fn device(&mut self) -> DeviceKeyId {
        DeviceKeyId::from_bytes(self.array())
    }
    pub fn channel(&mut self) -> ChannelId {
        if self.coin() {
            ChannelId::MAIN
        } else {
            ChannelId::from_bytes(self.array())
        }
    }
    pub fn item(&mut self) -> ItemId {
        ItemId::from_bytes(self.array())
    }
    pub fn message_id(&mut self) -> MessageId {
        MessageId::from_bytes(self.array())
    }

    pub fn user_genesis(&mut self) -> UserGenesis {
        UserGenesis {
            realm: self.text(),
            ik: self.key(),
            kk: self.key(),
            created: self.u64(),
            nonce: self.array(),
        }
    }

    pub fn user_body(&mut self) -> UserBody {
        match self.below(6) {
            0 => UserBody::AddDevice {
                dk: self.key(),
                pop: self.array(),
                label: self.bytes(),
            },
            1 => UserBody::RevokeDevice { dk_id: self.device() },
            2 => UserBody::RotateKem {
                g: self.u32(),
                kk: self.key(),
            },
            3 => UserBody::RotateIdentity {
                ik: self.key(),
                pop: self.array(),
            },
            4 => {
                let dk_id = if self.coin() { Some(self.device()) } else { None };
                UserBody::VaultCommit {
                    rev: self.u64(),
                    hash: self.array(),
                    dk_id,
                }
            }
            _ => UserBody::Close,
        }
    }

    pub fn user_entry(&mut self) -> UserEntry {
        UserEntry {
            user_id: self.user(),
            seq: self.u64(),
            prev: self.head(),
            ts: self.u64(),
            body: self.user_body(),
        }
    }

    pub fn member(&mut self) -> MemberRef {
        MemberRef {
            user_id: self.user(),
            ulog_seq: self.u64(),
            ulog_head: self.head(),
        }
    }

    pub fn kind(&mut self) -> RoomKind {
        self.one(&[RoomKind::Direct, RoomKind::Group, RoomKind::Space])
    }
    pub fn role(&mut self) -> Role {
        let custom = Role::Custom(self.custom_role());
        self.one(&[Role::Member, Role::Moderator, Role::Owner, custom])
    }
    pub fn custom_role(&mut self) -> CustomRole {
        CustomRole::new(16 + self.below(240) as u8).unwrap()
    }
    pub fn rights(&mut self) -> Rights {
        Rights::from_bits(self.below(1 << 10) as u16).unwrap()
    }
    pub fn channel_kind(&mut self) -> ChannelKind {
        self.one(&[ChannelKind::Public, ChannelKind::Private, ChannelKind::Announcement])
    }
    pub fn history(&mut self) -> History {
        self.one(&[History::Shared, History::Joined])
    }
    pub fn reason(&mut self) -> EpochReason {
        use EpochReason::{Age, First, KeysChanged, MemberAdded, MemberLeft};
        self.one(&[First, MemberLeft, KeysChanged, Age, MemberAdded])
    }
    pub fn policy(&mut self) -> Policy {
        Policy {
            suite: self.u32() as u16,
            history: self.history(),
        }
    }

    pub fn room_genesis(&mut self) -> RoomGenesis {
        RoomGenesis {
            kind: self.kind(),
            creator: self.member(),
            creator_dk: self.device(),
            members: self.list(Self::member),
            policy: self.policy(),
            ts: self.u64(),
            nonce: self.array(),
        }
    }

    pub fn cut(&mut self) -> Cut {
        Cut {
            channel: self.channel(),
            seq: self.u64(),
            transcript: self.head(),
        }
    }

    pub fn room_body(&mut self) -> RoomBody {
        match self.below(26) {
            0 => RoomBody::AddMember {
                member: self.member(),
                role: self.role(),
            },
            1 => RoomBody::Leave,
            2 => RoomBody::Remove {
                user_id: self.user(),
                ban: self.coin(),
                cut: self.list(Self::cut),
            },
            3 => RoomBody::Unban { user_id: self.user() },
            4 => RoomBody::SetRole {
                user_id: self.user(),
                role: self.role(),
            },
            5 => RoomBody::SetPolicy { policy: self.policy() },
            6 => RoomBody::SetMeta {
                n: self.u32(),
                sealed: self.bytes(),
            },
            7 => RoomBody::Epoch {
                n: self.u32(),
                suite: self.u32() as u16,
                commit: self.array(),
                roster_hash: self.array(),
                reason: self.reason(),
                backlink: self.bytes(),
            },
            8 => RoomBody::UserUpdate {
                member: self.member(),
                cut: self.list(Self::cut),
            },
            9 => RoomBody::CreateInvite {
                invite_id: self.invite_id(),
                inv_pk: self.key(),
                role: self.role(),
                max_uses: self.u32(),
                expires: self.u64(),
                mode: self.join_mode(),
                card: self.bytes(),
            },
            10 => RoomBody::RevokeInvite {
                invite_id: self.invite_id(),
            },
            11 => RoomBody::Join {
                invite_id: self.invite_id(),
                member: self.member(),
                nonce: self.array(),
                inv_sig: self.array(),
            },
            12 => RoomBody::Redact {
                target: self.envelope(),
                edits: self.list(Self::envelope),
            },
            13 => RoomBody::SetTtl {
                seconds: self.u32(),
                after: self.u64(),
            },
            14 => RoomBody::DefineRole {
                role: self.custom_role(),
                rank: self.below(256) as u8,
                rights: self.rights(),
                n: self.u32(),
                sealed: self.bytes(),
            },
            15 => RoomBody::DropRole {
                role: self.custom_role(),
            },
            16 => RoomBody::CreateChannel {
                channel: self.channel(),
                kind: self.channel_kind(),
                members: self.list(Self::user),
                n: self.u32(),
                sealed: self.bytes(),
            },
            17 => RoomBody::UpdateChannel {
                channel: self.channel(),
                n: self.u32(),
                sealed: self.bytes(),
                archived: self.coin(),
            },
            18 => RoomBody::ChannelEpoch {
                channel: self.channel(),
                n: self.u32(),
                suite: self.u32() as u16,
                commit: self.array(),
                roster_hash: self.array(),
                reason: self.reason(),
                backlink: self.bytes(),
            },
            19 => RoomBody::ChannelMembers {
                channel: self.channel(),
                add: self.list(Self::user),
                remove: self.list(Self::user),
            },
            20 => RoomBody::ArrangeChannels {
                n: self.u32(),
                sealed: self.bytes(),
            },
            21 => RoomBody::TimeOut {
                user_id: self.user(),
                until: self.u64(),
            },
            22 => RoomBody::SetSlowMode {
                channel: self.channel(),
                seconds: self.u32(),
            },
            23 => RoomBody::Reason {
                n: self.u32(),
                of: self.u64(),
                sealed: self.bytes(),
            },
            24 => RoomBody::Pin {
                channel: self.channel(),
                target: self.envelope(),
                on: self.coin(),
            },
            _ => RoomBody::Close,
        }
    }

    pub fn invite_id(&mut self) -> InviteId {
        InviteId::from_bytes(self.array())
    }
    pub fn join_mode(&mut self) -> JoinMode {
        self.one(&[JoinMode::Member, JoinMode::Approval])
    }

    pub fn card(&mut self) -> InviteCard {
        InviteCard { title: self.text() }
    }

    pub fn invite_proof(&mut self) -> InviteProof {
        InviteProof {
            realm: self.text(),
            room_id: self.room(),
            invite_id: self.invite_id(),
            user_id: self.user(),
        }
    }

    pub fn contacts(&mut self) -> Contacts {
        Contacts {
            list: self.list(|rng| Contact {
                user_id: rng.user(),
                state: rng.one(&[
                    ContactState::Accepted,
                    ContactState::Undecided,
                    ContactState::Asked,
                    ContactState::Declined,
                    ContactState::Blocked,
                    ContactState::Removed,
                ]),
                since: rng.u64(),
            }),
        }
    }

    pub fn picture_id(&mut self) -> PictureId {
        PictureId::from_bytes(self.array())
    }

    pub fn picture(&mut self) -> Option<Picture> {
        self.coin().then(|| Picture {
            id: self.picture_id(),
            key: FileKey::from_bytes(self.array()),
        })
    }

    pub fn own_picture(&mut self) -> OwnPicture {
        OwnPicture {
            picture: self.picture(),
            at: self.u64(),
        }
    }

    pub fn own_profile(&mut self) -> OwnProfile {
        OwnProfile {
            name: self.text(),
            status: self.text(),
            at: self.u64(),
        }
    }

    pub fn peek_proof(&mut self) -> PeekProof {
        PeekProof {
            realm: self.text(),
            room_id: self.room(),
            invite_id: self.invite_id(),
            at: self.u64(),
        }
    }

    pub fn file(&mut self) -> File {
        File {
            blob_id: BlobId::from_bytes(self.array()),
            fk: FileKey::from_bytes(self.array()),
            size: self.u64(),
            padded: self.u64(),
            kind: self.one(&[
                FileKind::Plain,
                FileKind::Image,
                FileKind::Audio,
                FileKind::Video,
                FileKind::Voice,
            ]),
            name: self.text(),
            mime: self.text(),
            thumb: self.bytes(),
            meta: self.bytes(),
        }
    }

    pub fn room_entry(&mut self) -> RoomEntry {
        RoomEntry {
            room_id: self.room(),
            seq: self.u64(),
            prev: self.head(),
            ts: self.u64(),
            actor: self.user(),
            actor_dk: self.device(),
            body: self.room_body(),
        }
    }

    pub fn header(&mut self) -> Header {
        Header {
            suite: self.u32() as u16,
            kind: self.one(&[MessageKind::Durable, MessageKind::Ephemeral, MessageKind::Slot]),
            room_id: self.room(),
            channel: self.channel(),
            n: self.u32(),
            msg_id: self.message_id(),
            ttl_class: self.u8(),
            del_commit: self.array(),
        }
    }

    pub fn content(&mut self) -> Content {
        Content {
            header_hash: self.array(),
            user_id: self.user(),
            dk_id: self.device(),
            lane: self.array(),
            ctr: self.u64(),
            prev_own: self.head(),
            log_seq: self.u64(),
            log_head: self.head(),
            seen_seq: self.u64(),
            seen_t: self.head(),
            ts: self.u64(),
            body: self.message_body(),
        }
    }

    pub fn envelope(&mut self) -> EnvelopeHash {
        EnvelopeHash::from_bytes(self.array())
    }

    pub fn message_body(&mut self) -> MessageBody {
        match self.below(16) {
            0 => MessageBody::Text { text: self.text() },
            1 => MessageBody::FadingText {
                text: self.text(),
                ttl: self.u32(),
            },
            2 => MessageBody::Edit {
                target: self.envelope(),
                text: self.text(),
            },
            3 => MessageBody::Delete {
                target: self.envelope(),
                edits: self.list(Self::envelope),
            },
            4 => MessageBody::React {
                target: self.envelope(),
                emoji: self.text(),
                on: self.coin(),
            },
            5 => MessageBody::Receipt { read: self.u64() },
            6 => MessageBody::Poll {
                question: self.text(),
                options: self.list(Self::text),
                several: self.coin(),
                ends: self.u64(),
                ttl: self.u32(),
            },
            7 => MessageBody::Vote {
                target: self.envelope(),
                choices: self.u32() as u16,
            },
            8 => MessageBody::EndPoll {
                target: self.envelope(),
            },
            9 => MessageBody::Typing,
            10 => MessageBody::Presence { state: self.here() },
            11 => MessageBody::Profile {
                name: self.text(),
                status: self.text(),
            },
            12 => MessageBody::Post {
                text: self.text(),
                ttl: self.u32(),
                reply: self.coin().then(|| self.envelope()),
                thread: self.coin().then(|| self.envelope()),
                everyone: self.coin(),
                mentions: self.list(Self::user),
            },
            13 => MessageBody::Forwarded {
                text: self.text(),
                ttl: self.u32(),
            },
            14 => MessageBody::Picture {
                picture: self.picture(),
            },
            _ => MessageBody::Beacon,
        }
    }

    pub fn key_request(&mut self) -> KeyRequest {
        KeyRequest {
            room_id: self.room(),
            channel: self.channel(),
            n: self.u32(),
            user_id: self.user(),
            dk_id: self.device(),
            ts: self.u64(),
        }
    }

    pub fn report_info(&mut self) -> ReportInfo {
        ReportInfo {
            room_id: self.room(),
            report_id: self.report_id(),
            user_id: self.user(),
            g: self.u32(),
        }
    }

    pub fn report(&mut self) -> Report {
        let reported = |rng: &mut Self| Reported {
            seq: rng.u64(),
            header: rng.bytes(),
            content: rng.bytes(),
            sig: rng.array(),
        };
        Report {
            room_id: self.room(),
            report_id: self.report_id(),
            user_id: self.user(),
            dk_id: self.device(),
            log_seq: self.u64(),
            log_head: self.head(),
            ts: self.u64(),
            words: self.text(),
            messages: self.list(reported),
        }
    }

    pub fn report_id(&mut self) -> ReportId {
        ReportId::from_bytes(self.array())
    }

    pub fn wrap_info(&mut self) -> WrapInfo {
        WrapInfo {
            room_id: self.room(),
            channel: self.channel(),
            n: self.u32(),
            user_id: self.user(),
            g: self.u32(),
            commit: self.array(),
        }
    }

    pub fn method(&mut self) -> Method {
        self.one(&[Method::Password, Method::Recovery])
    }

    pub fn vault_header(&mut self) -> VaultHeader {
        let wraps = self.list(|rng| VaultWrap {
            method: rng.method(),
            sealed: rng.bytes(),
        });
        VaultHeader {
            user_id: self.user(),
            vk_gen: self.u32(),
            wraps,
        }
    }

    pub fn pin(&mut self) -> Pin {
        Pin {
            user_id: self.user(),
            handle: self.text(),
            seq: self.u64(),
            head: self.head(),
            ik_since: self.u64(),
            state: self.one(&[PinState::Unverified, PinState::Verified, PinState::Changed]),
        }
    }

    pub fn registration(&mut self) -> Registration {
        Registration {
            realm: self.text(),
            handle: self.text(),
            salt: self.array(),
            profile: self.u8(),
            ak: self.key(),
            genesis: self.bytes(),
            device: self.bytes(),
            vault_header: self.bytes(),
            items: self.list(|rng| VaultPutRecord {
                item_id: rng.item(),
                sealed: rng.bytes(),
            }),
        }
    }

    pub fn here(&mut self) -> Here {
        self.one(&[Here::Here, Here::Away, Here::Gone, Here::Hidden])
    }

    pub fn level(&mut self) -> Level {
        self.one(&[Level::Everything, Level::Mentions, Level::Nothing])
    }

    pub fn choice(&mut self) -> Choice {
        Choice {
            room_id: self.room(),
            channel: self.coin().then(|| self.channel()),
            level: self.coin().then(|| self.level()),
            until: self.u64(),
            at: self.u64(),
        }
    }

    pub fn usual(&mut self) -> Usual {
        Usual {
            direct: self.coin(),
            mentions: self.coin(),
            groups: self.coin(),
            spaces: self.coin(),
            at: self.u64(),
        }
    }

    pub fn levels(&mut self) -> Levels {
        Levels {
            usual: self.usual(),
            choices: self.list(Self::choice),
        }
    }

    pub fn mark(&mut self) -> Mark {
        Mark {
            room_id: self.room(),
            channel: self.channel(),
            thread: self.coin().then(|| self.head()),
            turn: self.u32(),
            read: self.u64(),
            at: self.u64(),
        }
    }

    pub fn marks(&mut self) -> Marks {
        Marks {
            marks: self.list(Self::mark),
        }
    }

    pub fn saved(&mut self) -> SavedList {
        SavedList {
            items: self.list(|rng| Saved {
                room_id: rng.room(),
                channel: rng.channel(),
                target: rng.envelope(),
                at: rng.u64(),
            }),
        }
    }

    pub fn manifest(&mut self) -> Manifest {
        Manifest {
            counter: self.u64(),
            hash: self.array(),
        }
    }

    pub fn key_change(&mut self) -> KeyChange {
        KeyChange {
            realm: self.text(),
            user_id: self.user(),
            handle: self.maybe_handle(),
            base: self.array(),
            salt: self.array(),
            profile: self.u8(),
            ak: self.key(),
            recovery: self.maybe_key(),
            vault_header: self.bytes(),
            items: self.list(|rng| VaultPutRecord {
                item_id: rng.item(),
                sealed: rng.bytes(),
            }),
            entries: self.list(Self::bytes),
        }
    }

    pub fn recovery_change(&mut self) -> RecoveryChange {
        RecoveryChange {
            realm: self.text(),
            user_id: self.user(),
            recovery: self.maybe_key(),
            vault_header: self.bytes(),
        }
    }

    fn maybe_handle<const MAX: usize>(&mut self) -> Option<Text<MAX>> {
        (self.below(2) > 0).then(|| self.text())
    }

    fn maybe_key(&mut self) -> Option<PublicKey> {
        (self.below(2) > 0).then(|| self.key())
    }

    pub fn login(&mut self) -> LoginProof {
        LoginProof {
            realm: self.text(),
            handle: self.text(),
            challenge: self.array(),
            session_nonce: self.array(),
        }
    }

    pub fn session(&mut self) -> SessionProof {
        SessionProof {
            realm: self.text(),
            user_id: self.user(),
            dk_id: self.device(),
            challenge: self.array(),
        }
    }

    pub fn blob(&mut self) -> SignedBlob {
        SignedBlob {
            body: self.vec(65_536),
            sig: self.array(),
        }
    }

    /// One bit flipped, a byte taken out, one put in, a piece cut off or some appended; never the same bytes.
    pub fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        match self.below(5) {
            0 | 1 if !out.is_empty() => {
                let at = self.below(out.len());
                out[at] ^= 1 << self.below(8);
            }
            2 if !out.is_empty() => out.truncate(self.below(bytes.len())),
            3 if !out.is_empty() => {
                out.remove(self.below(bytes.len()));
            }
            4 => {
                let at = self.below(out.len() + 1);
                out.insert(at, self.u8());
            }
            _ => {
                let tail = 1 + self.below(40);
                out.resize(bytes.len() + tail, self.u8());
            }
        }
        if out == bytes {
            out.push(0);
        }
        out
    }
}
