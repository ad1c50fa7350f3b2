//! The browsers of this account.

use rand::CryptoRng;
use sotto_shared::api::body::{SessionInfo, SessionList};
use sotto_shared::codec::Bytes;
use sotto_shared::crypto::label::Label;
use sotto_shared::crypto::seal;
use sotto_shared::crypto::secret::{DayVaultKey, derive};
use sotto_shared::crypto::suite::Suite;
use sotto_shared::id::DeviceKeyId;

use super::ask::{Failure, Pending, Request};
use super::{Effect, Engine, Out};
use crate::view::{Device, Outcome, Problem};

/// Longest name of a browser, in bytes; sealed it must fit the log's field.
const MAX_LABEL_BYTES: usize = 160;

/// A browser's name, for its owner's eyes.
pub(super) fn seal_label(rng: &mut dyn CryptoRng, dvk: &DayVaultKey, id: &DeviceKeyId, label: &str) -> Bytes<256> {
    let key = derive(dvk.expose(), Label::DeviceLabelKey, &[]);
    let mut end = label.len().min(MAX_LABEL_BYTES);
    while !label.is_char_boundary(end) {
        end -= 1;
    }
    // Padded to one length, so that its size says nothing of the browser.
    let mut plain = vec![0; 1 + MAX_LABEL_BYTES];
    plain[0] = end as u8;
    plain[1..=end].copy_from_slice(&label.as_bytes()[..end]);
    let context = seal::context(Label::DeviceLabel, &[id.as_bytes()]);
    Bytes::new(seal::seal(rng, key.expose(), &context, &plain)).unwrap_or_default()
}

fn open_label(dvk: &DayVaultKey, id: &DeviceKeyId, sealed: &[u8]) -> Option<String> {
    let key = derive(dvk.expose(), Label::DeviceLabelKey, &[]);
    let plain = seal::open(
        key.expose(),
        &seal::context(Label::DeviceLabel, &[id.as_bytes()]),
        sealed,
    )
    .ok()?;
    let (len, rest) = plain.split_first()?;
    String::from_utf8(rest.get(..usize::from(*len))?.to_vec()).ok()
}

impl<S: Suite> Engine<S> {
    pub(super) fn list_devices(
        &mut self,
        command: u32,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.me()?;
        self.ask(Request::SessionList(SessionList {}), Pending::Devices { command }, out);
        Ok(None)
    }

    pub(super) fn devices_came(
        &self,
        command: u32,
        result: Result<Vec<SessionInfo>, Failure>,
        out: &mut Out<S::DeviceKey>,
    ) {
        let result = result.map_err(|failure| failure.problem()).and_then(|sessions| {
            let me = self.me()?;
            let log = self.people.log(&me.user_id).ok_or(Problem::SignedOut)?;
            let mut devices: Vec<Device> = (log.view().devices.iter())
                .map(|(id, device)| Device {
                    id: *id,
                    // Named under the day key of its time.
                    label: (std::iter::once(&me.dvk).chain(&me.vault.former))
                        .find_map(|key| open_label(key, id, device.label.as_slice()))
                        .unwrap_or_default(),
                    is_this: *id == me.dk_id,
                    added_ms: device.added,
                    seen_ms: sessions.iter().filter(|s| s.dk_id == *id).map(|s| s.seen_ms).max(),
                })
                .collect();
            devices.sort_by_key(|device| {
                (
                    !device.is_this,
                    std::cmp::Reverse(device.seen_ms),
                    std::cmp::Reverse(device.added_ms),
                )
            });
            Ok(Outcome::Devices(devices))
        });
        out.push(Effect::Answer { id: command, result });
    }
}
