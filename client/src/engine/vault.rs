//! The vault as the engine holds it: KEM keys and contact pins, and the manifest that tells an older vault from this one.
//!
//! ```text
//! pin ─▶ unsent ─▶ (read the vault) ─▶ put: pin + manifest ─▶ taken
//!           ▲                                   └─▶ another browser was faster: read, put again
//! ```

use std::collections::{BTreeMap, BTreeSet};

use rand::CryptoRng;
use sotto_shared::api::B64;
use sotto_shared::api::body::{Listing, VaultGet, VaultGetReply, VaultItem, VaultPut, items_digest};
use sotto_shared::api::error::ErrorCode;
use sotto_shared::api::frame::ItemRev;
use sotto_shared::api::limits::MAX_PUTS;
use sotto_shared::codec::Codec;
use sotto_shared::crypto::secret::{DayVaultKey, PrivateKey};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::{RoomId, UserId};
use sotto_shared::log::user_log::UserView;
use sotto_shared::vault::{ItemName, Manifest, Method, Pin, VaultHeader, open_item};
use zeroize::Zeroizing;

use super::account::Me;
use super::ask::{Pending, Request};
use super::books::{Book, Held};
use super::record::{self, BookRecord, Key, KeysRecord};
use super::{Ctx, Effect, Engine, Failure, Out};
use crate::view::{Change, Outcome, Problem};

/// Times a pin is put again because another browser was faster.
const MAX_TRIES: u32 = 12;
/// A vault may be read a little before the log that names its newest KEM key.
const KEM_AHEAD: u32 = 4;
/// Former day keys that are kept: browsers that were away over more changes of password begin empty.
const MAX_FORMER: usize = 64;

/// Opened day items.
#[derive(Default)]
pub(crate) struct Vault {
    /// By generation.
    pub kem: BTreeMap<u32, PrivateKey>,
    /// With the revision at the relay; 0 = not there yet.
    pub pins: BTreeMap<UserId, (Pin, u64)>,
    /// Items that are one list each.
    pub books: BTreeMap<Book, Held>,
    /// Day keys before this one, the newest first.
    pub former: Vec<DayVaultKey>,
    /// The newest state that was seen or written. An older one is refused.
    pub manifest: Manifest,
    /// What the relay holds in that state. None: it must be read before anything is written.
    listing: Option<Listing>,
    /// Items that this version knows, the root items not counted.
    known: usize,
    /// What the relay has not got yet.
    unsent: BTreeMap<Changed, Unsent>,
    writing: Option<Writing>,
}

/// One item that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Changed {
    Pin(UserId),
    Book(Book),
}

impl Changed {
    const fn name(self) -> ItemName {
        match self {
            Self::Pin(user) => ItemName::Contact(user),
            Self::Book(book) => book.name(),
        }
    }
}

#[derive(Default)]
struct Unsent {
    /// Who waits for it.
    command: Option<u32>,
    tries: u32,
}

/// What a put under way makes of the vault.
struct Writing {
    items: BTreeMap<Changed, (Unsent, u64)>,
    manifest: Manifest,
    listing: Listing,
}

/// Puts, and the vault after them.
pub(super) struct Puts {
    pub items: Vec<VaultItem>,
    pub manifest: Manifest,
    listing: Listing,
}

impl Vault {
    /// Takes in what the relay holds, all of it or nothing. `floor` is the counter that was known when it was asked for, and
    /// `view` the log of this account.
    pub fn take(
        &mut self,
        dvk: &DayVaultKey,
        user: &UserId,
        view: &UserView,
        items: &[VaultItem],
        floor: u64,
    ) -> Result<(), Problem> {
        let key = dvk.expose();
        let listing: Listing = items.iter().map(VaultItem::listed).collect();
        let opened = |item: &VaultItem| open_item(key, user, &item.item_id, item.rev, &item.sealed.0).ok();
        let manifest_id = ItemName::Manifest.id(key);
        let manifest = (items.iter().find(|item| item.item_id == manifest_id))
            .and_then(opened)
            .and_then(|plain| Manifest::from_bytes(&plain).ok())
            .ok_or(Problem::VaultRolledBack)?;
        let other_than = |counter: u64, hash: [u8; 32]| manifest.counter == counter && manifest.hash != hash;
        if manifest.counter < floor
            || other_than(self.manifest.counter, self.manifest.hash)
            || other_than(view.vault_rev, view.vault_hash)
            || listing.len() != items.len()
            || digest_without(&listing, key) != manifest.hash
        {
            return Err(Problem::VaultRolledBack);
        }
        if manifest.counter < self.manifest.counter {
            // Overtaken by what was written from here meanwhile.
            return Ok(());
        }
        let newest_g = view.kem_g.saturating_add(KEM_AHEAD);
        let kem_ids: BTreeMap<_, _> = (1..=newest_g).map(|g| (ItemName::KemKey(g).id(key), g)).collect();
        let former_id = ItemName::FormerDayKeys.id(key);
        let books: BTreeMap<_, _> = Book::ALL.iter().map(|book| (book.name().id(key), *book)).collect();
        self.known = 1;
        for item in items {
            let Some(plain) = opened(item) else { continue };
            if let Some(g) = kem_ids.get(&item.item_id) {
                if let Some(key) = PrivateKey::from_bytes(&plain) {
                    self.kem.insert(*g, key);
                    self.known += 1;
                }
            } else if item.item_id == former_id {
                self.former = plain.chunks(32).filter_map(DayVaultKey::from_slice).collect();
                self.known += 1;
            } else if let Some(book) = books.get(&item.item_id) {
                if self.take_book(*book, &plain, item.rev) {
                    self.known += 1;
                }
            } else if let Ok(pin) = Pin::from_bytes(&plain)
                && ItemName::Contact(pin.user_id).id(key) == item.item_id
            {
                self.known += 1;
                self.take_pin(pin, item.rev);
            }
        }
        self.manifest = manifest;
        self.listing = Some(listing);
        Ok(())
    }

    /// What was decided here and is not written yet counts, on the newest point of their log that either has seen.
    fn take_pin(&mut self, pin: Pin, rev: u64) {
        let user = pin.user_id;
        let ours = self.is_unsent(Changed::Pin(user));
        match self.pins.get_mut(&user) {
            Some((there, _)) if ours => {
                if there.seq < pin.seq {
                    (there.seq, there.head) = (pin.seq, pin.head);
                }
            }
            Some((_, known)) if *known >= rev => {}
            _ => drop(self.pins.insert(user, (pin, rev))),
        }
    }

    /// What both sides have of a list. Whether it can be read.
    fn take_book(&mut self, book: Book, plain: &[u8], rev: u64) -> bool {
        let ours = self.is_unsent(Changed::Book(book));
        let Some(held) = self.books.get_mut(&book) else {
            let can_read = book.is_readable(plain);
            if can_read {
                self.books.insert(book, Held::new(plain, rev));
            }
            return can_read;
        };
        if held.rev >= rev {
            return true;
        }
        let plain = if ours {
            book.join(&held.plain, plain)
        } else {
            Some(plain.to_vec())
        };
        let Some(plain) = plain.filter(|plain| book.is_readable(plain)) else {
            return false;
        };
        *held = Held::new(&plain, rev);
        true
    }

    fn is_unsent(&self, item: Changed) -> bool {
        let writes = |writing: &Writing| writing.items.contains_key(&item);
        self.unsent.contains_key(&item) || self.writing.as_ref().is_some_and(writes)
    }

    fn plain(&self, item: Changed) -> Option<Zeroizing<Vec<u8>>> {
        match item {
            Changed::Pin(user) => Some(Zeroizing::new(self.pins.get(&user)?.0.to_bytes())),
            Changed::Book(book) => Some(Zeroizing::new(self.books.get(&book)?.plain.clone())),
        }
    }

    /// Whether all this was seen or written here already.
    pub fn has_heard(&self, revs: &[ItemRev]) -> bool {
        let has =
            |listing: &Listing, item: &ItemRev| listing.get(&item.item_id).is_some_and(|(rev, _)| *rev >= item.rev);
        let written = self.writing.as_ref().map(|writing| &writing.listing);
        (revs.iter()).all(|item| self.listing.iter().chain(written).any(|listing| has(listing, item)))
    }

    /// Whether all items are of kinds that this version knows: it could not seal others anew.
    pub fn knows_all(&self) -> bool {
        // The identity key and the day key lie under the root key.
        self.listing
            .as_ref()
            .is_some_and(|listing| listing.len() == self.known + 2)
    }

    /// What the relay holds, as a change of everything names it.
    pub fn base(&self) -> Option<[u8; 32]> {
        self.listing.as_ref().map(items_digest)
    }

    /// Everything under the day key but the manifest, for sealing it under another. `dvk` is the one that goes.
    pub fn day_items(&self, dvk: &DayVaultKey) -> Vec<(ItemName, Zeroizing<Vec<u8>>)> {
        let kem = (self.kem.iter()).map(|(g, key)| (ItemName::KemKey(*g), Zeroizing::new(key.to_bytes().to_vec())));
        let pins =
            (self.pins.iter()).map(|(user, (pin, _))| (ItemName::Contact(*user), Zeroizing::new(pin.to_bytes())));
        let books = (self.books.iter()).map(|(book, held)| (book.name(), Zeroizing::new(held.plain.clone())));
        let former = std::iter::once(dvk).chain(&self.former).take(MAX_FORMER);
        let former: Vec<u8> = former.flat_map(|key| *key.expose()).collect();
        let former = (ItemName::FormerDayKeys, Zeroizing::new(former));
        kem.chain(pins).chain(books).chain([former]).collect()
    }

    /// This vault after a change of everything: `listing` is what the relay holds then.
    pub fn renewed(self, old: DayVaultKey, manifest: Manifest, listing: Listing) -> Self {
        let mut former = vec![old];
        former.extend(self.former);
        former.truncate(MAX_FORMER);
        Self {
            pins: self.pins.into_iter().map(|(user, (pin, _))| (user, (pin, 1))).collect(),
            books: (self.books.into_iter())
                .map(|(book, held)| (book, Held { rev: 1, ..held }))
                .collect(),
            kem: self.kem,
            known: listing.len().saturating_sub(2),
            former,
            manifest,
            listing: Some(listing),
            unsent: BTreeMap::new(),
            writing: None,
        }
    }

    /// A vault just made.
    pub fn first(kem: PrivateKey, profile: Option<&[u8]>, manifest: Manifest, listing: Listing) -> Self {
        Self {
            books: (profile.map(|plain| (Book::Profile, Held::new(plain, 1))).into_iter()).collect(),
            kem: BTreeMap::from([(1, kem)]),
            manifest,
            listing: Some(listing),
            ..Self::default()
        }
    }

    /// Changed items with the manifest that goes with them, over what the relay holds. None while that is not known.
    pub fn puts<R: CryptoRng + ?Sized>(
        &self,
        rng: &mut R,
        dvk: &DayVaultKey,
        user: &UserId,
        changed: &[(ItemName, Zeroizing<Vec<u8>>)],
    ) -> Option<Puts> {
        let mut listing = self.listing.clone()?;
        let mut put = |listing: &mut Listing, name: &ItemName, plain: &[u8]| {
            let item_id = name.id(dvk.expose());
            let rev = listing.get(&item_id).map_or(0, |(rev, _)| *rev) + 1;
            let sealed = B64(name.seal(&mut *rng, dvk.expose(), user, rev, plain));
            let item = VaultItem { item_id, rev, sealed };
            listing.extend([item.listed()]);
            item
        };
        let mut items: Vec<VaultItem> = (changed.iter())
            .map(|(name, plain)| put(&mut listing, name, plain))
            .collect();
        let manifest = Manifest {
            counter: self.manifest.counter + 1,
            hash: digest_without(&listing, dvk.expose()),
        };
        items.push(put(&mut listing, &ItemName::Manifest, &manifest.to_bytes()));
        Some(Puts {
            items,
            manifest,
            listing,
        })
    }

    /// The relay has them.
    pub fn was_put(&mut self, puts: Puts, kem: Option<(u32, PrivateKey)>) {
        if let Some((g, key)) = kem {
            self.kem.insert(g, key);
            self.known += 1;
        }
        self.manifest = puts.manifest;
        self.listing = Some(puts.listing);
    }

    /// What waits to be written moves over to the vault that takes this one's place.
    pub fn hand_over(&mut self, next: &mut Self) {
        let under_way = self.writing.take().map(|writing| writing.items).unwrap_or_default();
        let under_way = under_way.into_iter().map(|(item, (unsent, _))| (item, unsent));
        for (item, unsent) in under_way.chain(std::mem::take(&mut self.unsent)) {
            match item {
                Changed::Pin(user) => {
                    let Some((pin, _)) = self.pins.get(&user) else { continue };
                    let rev = next.pins.get(&user).map_or(0, |(_, rev)| *rev);
                    next.pins.insert(user, (pin.clone(), rev));
                }
                Changed::Book(book) => {
                    let Some(held) = self.books.get(&book) else { continue };
                    let there = next.books.get(&book);
                    let both = there.and_then(|there| book.join(&held.plain, &there.plain));
                    let rev = there.map_or(0, |there| there.rev);
                    next.books
                        .insert(book, Held::new(both.as_ref().unwrap_or(&held.plain), rev));
                }
            }
            next.unsent.insert(item, unsent);
        }
    }

    pub fn to_record(&self) -> KeysRecord {
        let unsent = self.pins.keys().filter(|user| self.is_unsent(Changed::Pin(**user)));
        let unsent: BTreeSet<UserId> = unsent.copied().collect();
        KeysRecord {
            kem: self
                .kem
                .iter()
                .map(|(g, key)| (*g, B64(key.to_bytes().to_vec())))
                .collect(),
            pins: self
                .pins
                .values()
                .map(|(pin, rev)| (B64(pin.to_bytes()), *rev))
                .collect(),
            unsent: unsent.into_iter().collect(),
            books: (self.books.iter())
                .map(|(book, held)| BookRecord {
                    book: *book,
                    plain: B64(held.plain.clone()),
                    rev: held.rev,
                    unsent: self.is_unsent(Changed::Book(*book)),
                })
                .collect(),
            manifest: Some(B64(self.manifest.to_bytes())),
        }
    }

    /// Takes in what this browser kept. Where the vault was read just now it counts, but for what it has not got yet; it must
    /// not be older than the one that this browser knew.
    pub fn restore(&mut self, record: &KeysRecord) -> Result<(), Problem> {
        let known = (record.manifest.as_ref()).and_then(|bytes| Manifest::from_bytes(&bytes.0).ok());
        let known = known.unwrap_or_default();
        let was_read = self.listing.is_some();
        if was_read
            && (known.counter > self.manifest.counter
                || (known.counter == self.manifest.counter && known.hash != self.manifest.hash))
        {
            return Err(Problem::VaultRolledBack);
        }
        if !was_read {
            self.manifest = known;
        }
        for (g, key) in &record.kem {
            if let Some(key) = PrivateKey::from_bytes(&key.0) {
                self.kem.entry(*g).or_insert(key);
            }
        }
        for (pin, rev) in &record.pins {
            let Ok(pin) = Pin::from_bytes(&pin.0) else { continue };
            let unsent = record.unsent.contains(&pin.user_id);
            if unsent {
                self.unsent.entry(Changed::Pin(pin.user_id)).or_default();
            }
            if unsent || !was_read {
                self.pins.insert(pin.user_id, (pin, *rev));
            }
        }
        for kept in &record.books {
            let there = self.books.get(&kept.book);
            let rev = there.map_or(kept.rev, |there| there.rev);
            let plain = match there {
                Some(there) if kept.unsent => kept.book.join(&kept.plain.0, &there.plain),
                Some(_) => None,
                None => Some(kept.plain.0.clone()),
            };
            if kept.unsent {
                self.unsent.entry(Changed::Book(kept.book)).or_default();
            }
            if let Some(plain) = plain.filter(|plain| kept.book.is_readable(plain)) {
                self.books.insert(kept.book, Held::new(&plain, rev));
            }
        }
        Ok(())
    }
}

/// What a manifest speaks of: all items but itself.
fn digest_without(listing: &Listing, key: &[u8; 32]) -> [u8; 32] {
    let mut rest = listing.clone();
    rest.remove(&ItemName::Manifest.id(key));
    items_digest(&rest)
}

/// The manifest of a new vault, and what the relay holds with it. `items` are all others.
pub(super) fn first_manifest<R: CryptoRng + ?Sized>(
    rng: &mut R,
    dvk: &DayVaultKey,
    user: &UserId,
    counter: u64,
    items: &mut Vec<VaultItem>,
) -> (Manifest, Listing) {
    let mut listing: Listing = items.iter().map(VaultItem::listed).collect();
    let manifest = Manifest {
        counter,
        hash: items_digest(&listing),
    };
    let item = first_item(rng, &ItemName::Manifest, dvk.expose(), user, &manifest.to_bytes());
    listing.extend([item.listed()]);
    items.push(item);
    (manifest, listing)
}

pub(super) fn first_item<R: CryptoRng + ?Sized>(
    rng: &mut R,
    name: &ItemName,
    key: &[u8; 32],
    user: &UserId,
    plain: &[u8],
) -> VaultItem {
    VaultItem {
        item_id: name.id(key),
        rev: 1,
        sealed: B64(name.seal(rng, key, user, 1, plain)),
    }
}

impl<K> Me<K> {
    pub(super) fn save_keys(&self) -> record::Record {
        record::save(Key::Keys, &self.vault.to_record())
    }
}

impl<S: Suite> Engine<S> {
    /// Writes a contact's pin, here and to the vault.
    pub(super) fn put_pin(
        &mut self,
        pin: Pin,
        command: Option<u32>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(me) = &mut self.me else { return };
        let user = pin.user_id;
        let rev = me.vault.pins.get(&user).map_or(0, |(_, rev)| *rev);
        me.vault.pins.insert(user, (pin, rev));
        let unsent = me.vault.unsent.entry(Changed::Pin(user)).or_default();
        unsent.tries = 0;
        if let Some(earlier) = std::mem::replace(&mut unsent.command, command) {
            // Whoever asked for what is overwritten now has had it for a moment.
            out.push(answer(earlier, Ok(Outcome::Done)));
        }
        out.push(Effect::Save(vec![me.save_keys()]));
        self.write_vault(ctx, out);
    }

    /// Writes a list, here and to the vault.
    pub(super) fn put_book(&mut self, book: Book, plain: &[u8], ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let Some(me) = &mut self.me else { return };
        let rev = me.vault.books.get(&book).map_or(0, |held| held.rev);
        me.vault.books.insert(book, Held::new(plain, rev));
        me.vault.unsent.entry(Changed::Book(book)).or_default().tries = 0;
        out.push(Effect::Save(vec![me.save_keys()]));
        self.write_vault(ctx, out);
    }

    /// Another browser of this account has written something.
    pub(super) fn vault_changed(&mut self, items: &[ItemRev], out: &mut Out<S::DeviceKey>) {
        let is_asked = self
            .pending
            .values()
            .any(|pending| matches!(pending, Pending::Vault { .. }));
        let is_news = self.me.as_ref().is_some_and(|me| !me.vault.has_heard(items));
        if is_news && !is_asked {
            self.fetch_vault(out);
        }
    }

    /// Puts what waits, over the newest state of the vault.
    fn write_vault(&mut self, ctx: &mut Ctx<'_, S>, out: &mut Out<S::DeviceKey>) {
        let Some(me) = &mut self.me else { return };
        let vault = &mut me.vault;
        if vault.writing.is_some() || vault.unsent.is_empty() {
            return;
        }
        let items: Vec<Changed> = vault.unsent.keys().take(MAX_PUTS - 1).copied().collect();
        let plain: Vec<(ItemName, Zeroizing<Vec<u8>>)> = (items.iter())
            .filter_map(|item| Some((item.name(), vault.plain(*item)?)))
            .collect();
        let Some(puts) = vault.puts(ctx.rng, &me.dvk, &me.user_id, &plain) else {
            self.fetch_vault(out);
            return;
        };
        let rev_of = |item: &Changed| {
            let id = item.name().id(me.dvk.expose());
            puts.listing.get(&id).map_or(0, |(rev, _)| *rev)
        };
        let items = (items.iter())
            .filter_map(|item| Some((*item, (vault.unsent.remove(item)?, rev_of(item)))))
            .collect();
        vault.writing = Some(Writing {
            items,
            manifest: puts.manifest,
            listing: puts.listing,
        });
        self.ask(Request::VaultPut(VaultPut { puts: puts.items }), Pending::PutVault, out);
    }

    /// The relay has the pins, or another browser was faster: then its state is read, and ours written over it.
    pub(super) fn vault_was_put(
        &mut self,
        result: Result<(), Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(me) = &mut self.me else { return };
        let Some(writing) = me.vault.writing.take() else { return };
        match result {
            Ok(()) => {
                for (item, (unsent, rev)) in writing.items {
                    match item {
                        Changed::Pin(user) => {
                            if let Some((_, known)) = me.vault.pins.get_mut(&user) {
                                *known = rev;
                            }
                        }
                        Changed::Book(book) => {
                            me.vault.known += usize::from(rev == 1);
                            if let Some(held) = me.vault.books.get_mut(&book) {
                                held.rev = rev;
                            }
                        }
                    }
                    out.extend(unsent.command.map(|id| answer(id, Ok(Outcome::Done))));
                }
                if writing.manifest.counter > me.vault.manifest.counter {
                    me.vault.manifest = writing.manifest;
                    me.vault.listing = Some(writing.listing);
                }
                out.push(Effect::Save(vec![me.save_keys()]));
                self.write_vault(ctx, out);
            }
            Err(failure) => {
                let stale = failure.is(ErrorCode::StaleItem);
                let again = stale && writing.items.values().all(|(unsent, _)| unsent.tries < MAX_TRIES);
                for (item, (mut unsent, _)) in writing.items {
                    unsent.tries += 1;
                    if !again {
                        out.extend(unsent.command.take().map(|id| answer(id, Err(failure.problem()))));
                    }
                    // What was written since is newer.
                    me.vault.unsent.entry(item).or_insert(unsent);
                }
                if stale {
                    me.vault.listing = None;
                }
                // Else at the next connection.
                if again {
                    self.fetch_vault(out);
                }
            }
        }
    }

    pub(super) fn fetch_vault(&mut self, out: &mut Out<S::DeviceKey>) {
        let Some(me) = &self.me else { return };
        let committed = self.people.log(&me.user_id).map_or(0, |log| log.view().vault_rev);
        let floor = me.vault.manifest.counter.max(committed);
        self.ask(Request::VaultGet(VaultGet {}), Pending::Vault { floor }, out);
    }

    pub(super) async fn vault_came(
        &mut self,
        floor: u64,
        result: Result<VaultGetReply, Failure>,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let Some(me) = &mut self.me else { return };
        let Some(log) = self.people.log(&me.user_id) else {
            return;
        };
        let taken = match result {
            Ok(reply) => {
                let taken = me.vault.take(&me.dvk, &me.user_id, log.view(), &reply.items, floor);
                if let Err(problem) = &taken {
                    out.push(Effect::Show(Change::Notice(problem.clone())));
                } else if let Ok(header) = VaultHeader::from_bytes(&reply.header.0) {
                    let there = header.wraps.iter().any(|wrap| wrap.method == Method::Recovery);
                    out.push(Effect::Show(Change::RecoveryKey(there)));
                }
                taken
            }
            Err(failure) => Err(failure.problem()),
        };
        if let Err(problem) = taken {
            for unsent in me.vault.unsent.values_mut() {
                out.extend(unsent.command.take().map(|id| answer(id, Err(problem.clone()))));
            }
            return;
        }
        out.push(Effect::Save(vec![me.save_keys()]));
        self.books_came(out);
        self.write_vault(ctx, out);
        self.show_people(out);
        // A key that came with it may open rooms.
        let rooms: Vec<RoomId> = self.rooms.keys().copied().collect();
        for id in rooms {
            self.learn_keys(id, ctx, out).await;
            self.show_rows_of(id, out);
            for chat in self.chats_of(id) {
                self.ask_deletions(chat, out);
            }
        }
    }
}

const fn answer<K>(id: u32, result: Result<Outcome, Problem>) -> Effect<K> {
    Effect::Answer { id, result }
}
