//! The kit: parts every screen is made of. It knows leptos and nothing called chat.
//!
//! Written with leptos' builders, not `view!`: that macro turns static subtrees into `innerHTML`, which this page's
//! policy forbids. With builders no text can ever become markup.

pub mod button;
pub mod code;
pub mod dialog;
pub mod field;
mod icon;
pub mod logo;
pub mod mark;
pub mod menu;
pub mod popover;
pub mod toast;

pub use icon::Icon;

use std::cell::Cell;

/// An id that no other element of the page has.
pub fn unique(name: &str) -> String {
    thread_local! {
        static NEXT: Cell<u32> = const { Cell::new(0) };
    }
    let number = NEXT.get();
    NEXT.set(number + 1);
    format!("{name}-{number}")
}
