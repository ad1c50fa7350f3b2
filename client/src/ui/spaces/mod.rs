//! Spaces: making them, their channels, headings and roles; their settings. What is pure stands apart and is tested on any
//! machine: `templates`, `arrange`, `rights`.

pub mod arrange;
pub mod rights;
pub mod templates;

#[cfg(target_arch = "wasm32")]
pub mod channels;
#[cfg(target_arch = "wasm32")]
mod choose;
#[cfg(target_arch = "wasm32")]
pub mod create;
#[cfg(target_arch = "wasm32")]
pub mod home;
#[cfg(target_arch = "wasm32")]
pub mod roles;
#[cfg(target_arch = "wasm32")]
pub mod settings;

use sotto_shared::id::RoomId;

use crate::state::Store;
use crate::ui::place::Place;
use crate::view::Space;

/// What a space is called, or what stands in for it while its key is on the way.
pub fn name_of(space: &Space) -> String {
    if space.name.is_empty() {
        "Name on the way".into()
    } else {
        space.name.clone()
    }
}

/// The space that a place belongs to: log and reports of a space stand beside its channels.
pub fn space_of(store: Store, place: Place) -> Option<RoomId> {
    match place {
        Place::Changes(room) | Place::Reports(room) => store.space(room).map(|space| space.id),
        place => place.space(),
    }
}
