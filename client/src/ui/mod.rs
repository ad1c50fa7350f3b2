//! What people see. It reads [`crate::state::Store`], sends [`crate::view::Command`]s and knows nothing of keys, sockets or storage.
//!
//! ```text
//! mod      which screen: opening · front (signed out) · frame (signed in)
//! auth/    landing, sign in, sign up, recovery, the working state
//! link/    a link somebody was given, before and after signing in
//! guest    in with a name alone, and how such an account is kept
//! rail, sidebar/ · room/ · settings/    the frame's columns
//! spaces/  making and arranging spaces, their channels and roles
//! moderation/  keeping order: what may be done with whom, what holds where one writes, the log of changes
//! pictures people as they are drawn: their picture, or the mark of their key
//! people/  dialogs that ask for people; password: forms that take one
//! switcher jumps to rooms, people and commands; fuzzy finds their names; keys is the table of keys
//! emoji    the list of emoji, and where one is typed
//! day      calendar days, and where one begins; when: times and dates in words
//! calls    whom and what a text names
//! markdown a message’s text as a tree
//! hush     how much a conversation may ask for attention; notices: what the browser is asked to show
//! kit/     buttons, fields, menus, marks: nothing called chat
//! ```

pub mod calls;
pub mod day;
pub mod emoji;
pub mod fuzzy;
pub mod keys;
pub mod markdown;
pub mod place;
pub mod spaces;
pub mod words;

#[cfg(target_arch = "wasm32")]
mod auth;
#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
mod code;
#[cfg(target_arch = "wasm32")]
mod dialogs;
#[cfg(target_arch = "wasm32")]
mod frame;
#[cfg(target_arch = "wasm32")]
mod guest;
#[cfg(target_arch = "wasm32")]
mod hush;
#[cfg(target_arch = "wasm32")]
mod kit;
#[cfg(target_arch = "wasm32")]
mod link;
#[cfg(target_arch = "wasm32")]
mod lock;
#[cfg(target_arch = "wasm32")]
mod moderation;
#[cfg(target_arch = "wasm32")]
mod nav;
#[cfg(target_arch = "wasm32")]
mod notices;
#[cfg(target_arch = "wasm32")]
mod password;
#[cfg(target_arch = "wasm32")]
mod people;
#[cfg(target_arch = "wasm32")]
mod pictures;
#[cfg(target_arch = "wasm32")]
mod presence;
#[cfg(target_arch = "wasm32")]
mod rail;
#[cfg(target_arch = "wasm32")]
mod room;
#[cfg(target_arch = "wasm32")]
mod screen;
#[cfg(target_arch = "wasm32")]
mod settings;
#[cfg(target_arch = "wasm32")]
mod shortcuts;
#[cfg(target_arch = "wasm32")]
mod sidebar;
#[cfg(target_arch = "wasm32")]
mod switcher;
#[cfg(target_arch = "wasm32")]
mod title;
#[cfg(target_arch = "wasm32")]
mod when;
#[cfg(target_arch = "wasm32")]
mod wire;

#[cfg(target_arch = "wasm32")]
pub use screen::start;
