//! What the relay holds about this account, read back for the person to see. It is shown as it comes: what the relay leaves
//! out, nobody here can know.

use sotto_shared::api::body::{HeldGet, RowsGet};
use sotto_shared::crypto::suite::Suite;

use super::ask::{Pending, Request};
use super::{Engine, Out};
use crate::view::{Outcome, Problem};

impl<S: Suite> Engine<S> {
    pub(super) fn show_held(&mut self, command: u32, out: &mut Out<S::DeviceKey>) -> Result<Option<Outcome>, Problem> {
        self.me()?;
        self.ask(Request::HeldGet(HeldGet {}), Pending::Held { command }, out);
        Ok(None)
    }

    pub(super) fn show_held_rows(
        &mut self,
        command: u32,
        page: RowsGet,
        out: &mut Out<S::DeviceKey>,
    ) -> Result<Option<Outcome>, Problem> {
        self.me()?;
        self.ask(Request::RowsGet(page), Pending::Rows { command }, out);
        Ok(None)
    }
}
