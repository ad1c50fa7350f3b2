//! The vault as the engine holds it: KEM keys and contact pins, each with its revision at the relay.

use std::collections::BTreeMap;

use sotto_shared::api::B64;
use sotto_shared::api::body::{VaultItem, VaultPut};
use sotto_shared::codec::Codec;
use sotto_shared::crypto::secret::{DayVaultKey, PrivateKey};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::UserId;
use sotto_shared::vault::{ItemName, Pin, open_item};

use super::account::Me;
use super::ask::{Pending, Request};
use super::record::{self, Key, KeysRecord};
use super::{Ctx, Effect, Engine, Failure, Out};
use crate::view::Problem;
use sotto_shared::api::error::ErrorCode;

/// Opened day items.
#[derive(Default)]
pub(crate) struct Vault {
    /// By generation.
    pub kem: BTreeMap<u32, PrivateKey>,
    /// With the revision at the relay; 0 = not there yet.
    pub pins: BTreeMap<UserId, (Pin, u64)>,
}

impl Vault {
    /// Takes in what the relay holds. Items under another key, or of a kind this version does not know, are left alone.
    pub fn take(&mut self, dvk: &DayVaultKey, user: &UserId, newest_g: u32, items: &[VaultItem]) {
        let kem_ids: BTreeMap<_, _> = (1..=newest_g)
            .map(|g| (ItemName::KemKey(g).id(dvk.expose()), g))
            .collect();
        for item in items {
            let Ok(plain) = open_item(dvk.expose(), user, &item.item_id, item.rev, &item.sealed.0) else {
                continue;
            };
            if let Some(g) = kem_ids.get(&item.item_id) {
                if let Some(key) = PrivateKey::from_bytes(&plain) {
                    self.kem.insert(*g, key);
                }
            } else if let Ok(pin) = Pin::from_bytes(&plain)
                && ItemName::Contact(pin.user_id).id(dvk.expose()) == item.item_id
                && self.pins.get(&pin.user_id).is_none_or(|(_, rev)| *rev < item.rev)
            {
                self.pins.insert(pin.user_id, (pin, item.rev));
            }
        }
    }

    pub fn to_record(&self) -> KeysRecord {
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
        }
    }

    /// Takes in what this browser kept. Of two pins the later one counts, wherever it was.
    pub fn restore(&mut self, record: &KeysRecord) {
        for (g, key) in &record.kem {
            if let Some(key) = PrivateKey::from_bytes(&key.0) {
                self.kem.entry(*g).or_insert(key);
            }
        }
        for (pin, rev) in &record.pins {
            if let Ok(pin) = Pin::from_bytes(&pin.0)
                && self.pins.get(&pin.user_id).is_none_or(|(_, known)| known < rev)
            {
                self.pins.insert(pin.user_id, (pin, *rev));
            }
        }
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
        let rev = me.vault.pins.get(&user).map_or(0, |(_, rev)| *rev) + 1;
        let name = ItemName::Contact(user);
        let sealed = name.seal(ctx.rng, me.dvk.expose(), &me.user_id, rev, &pin.to_bytes());
        let item = VaultItem {
            item_id: name.id(me.dvk.expose()),
            rev,
            sealed: B64(sealed),
        };
        me.vault.pins.insert(user, (pin, rev));
        out.push(Effect::Save(vec![me.save_keys()]));
        self.ask(
            Request::VaultPut(VaultPut { puts: vec![item] }),
            Pending::PutPin { user, command },
            out,
        );
    }

    /// The relay has the pin, or another browser was faster: then take theirs in and write again.
    pub(super) fn pin_was_put(
        &mut self,
        user: UserId,
        command: Option<u32>,
        result: Result<(), Failure>,
        out: &mut Out<S::DeviceKey>,
    ) {
        if let Err(failure) = &result
            && failure.is(ErrorCode::StaleItem)
        {
            self.fetch_vault(out);
        }
        let answer = match result {
            Err(failure) if !failure.is(ErrorCode::StaleItem) => Err(failure.problem()),
            Err(_) => Err(Problem::Internal(
                "another browser changed this contact; try again".into(),
            )),
            Ok(()) => Ok(crate::view::Outcome::Done),
        };
        if answer.is_err()
            && let Some(me) = &mut self.me
            && let Some((_, rev)) = me.vault.pins.get_mut(&user)
        {
            // Not written: the next try has the same revision.
            *rev = rev.saturating_sub(1);
        }
        if let Some(id) = command {
            out.push(Effect::Answer { id, result: answer });
        }
    }

    pub(super) fn fetch_vault(&mut self, out: &mut Out<S::DeviceKey>) {
        self.ask(
            Request::VaultGet(sotto_shared::api::body::VaultGet {}),
            Pending::Vault,
            out,
        );
    }

    pub(super) fn vault_came(&mut self, items: &[VaultItem], out: &mut Out<S::DeviceKey>) {
        let newest_g = self
            .my_id()
            .and_then(|id| self.people.log(&id))
            .map_or(1, |log| log.view().kem_g);
        if let Some(me) = &mut self.me {
            me.vault.take(&me.dvk, &me.user_id, newest_g, items);
            out.push(Effect::Save(vec![me.save_keys()]));
        }
        self.show_people(out);
    }
}
