//! Guests: an account like any other, under a handle and a password that this browser drew, until somebody keeps it.
//!
//! ```text
//! ComeIn{name} ─▶ register (`entering.rs`), the name sealed in the vault ─▶ …as everybody
//! KeepAccount  ─▶ prove with what this browser has ─▶ one KeyChange with a handle (`rekey.rs`) ─▶ the account as it was
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::CryptoRng;
use sotto_shared::api::limits::{GUEST_LETTERS, GUEST_PREFIX, is_own_handle};
use sotto_shared::codec::Text;
use sotto_shared::contacts::{MAX_NAME_BYTES, OwnProfile};
use sotto_shared::crypto::suite::Suite;
use zeroize::Zeroizing;

use super::account::tidy_handle;
use super::entering::{Entering, Goal, Secret, new_password};
use super::intents::tidy_name;
use super::{Ctx, Engine, Out};
use crate::view::{Outcome, Problem};

/// A handle that somebody chose.
pub(super) fn own_handle(typed: &str) -> Result<String, Problem> {
    let handle = tidy_handle(typed)?;
    if is_own_handle(&handle) {
        Ok(handle)
    } else {
        Err(Problem::HandleMalformed)
    }
}

fn draw_handle(rng: &mut dyn CryptoRng) -> String {
    let letters = (0..GUEST_LETTERS).map(|_| {
        // A little bias does no harm: it only has to be nobody else's.
        let at = (rng.next_u32() % 26) as u8;
        char::from(b'a' + at)
    });
    GUEST_PREFIX.chars().chain(letters).collect()
}

fn draw_password(rng: &mut dyn CryptoRng) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 32]);
    rng.fill_bytes(bytes.as_mut());
    Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes))
}

impl<S: Suite> Engine<S> {
    pub(super) fn come_in(
        &mut self,
        command: u32,
        name: &str,
        ctx: &mut Ctx<'_, S>,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.nobody_is_here()?;
        let name = tidy_name(name);
        if name.is_empty() {
            return Err(Problem::EmptyName);
        }
        let max = MAX_NAME_BYTES as u32;
        let profile = OwnProfile {
            name: Text::new(name).map_err(|_| Problem::TooLong { max })?,
            status: Text::default(),
            at: ctx.now_ms,
        };
        let secret = Secret::Password(draw_password(ctx.rng));
        let goal = Goal::SignUp {
            stay: true,
            guest: Some(profile),
        };
        self.enter(Entering::new(command, draw_handle(ctx.rng), secret, goal), out);
        Ok(None)
    }

    pub(super) fn keep_account(
        &mut self,
        command: u32,
        handle: &str,
        password: String,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        if self.me()?.guest.is_none() {
            return Err(Problem::NotAllowed);
        }
        let handle = own_handle(handle)?;
        let new = new_password(password)?;
        let rated = (handle.clone(), new.to_string());
        let entering = self.entering_again(command, String::new(), Goal::Keep { handle, new })?;
        self.rate_as(entering, rated, out);
        Ok(None)
    }

    /// Whoever is here as a guest has no password to give.
    pub(super) fn is_guest(&self) -> bool {
        self.me.as_ref().is_some_and(|me| me.guest.is_some())
    }
}
