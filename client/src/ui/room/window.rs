//! Which rows of a long conversation stand in the page, and keeping the reader's place while rows come and go.
//!
//! The scroller runs from the bottom (`column-reverse`), so position 0 is the newest row and stays there by itself. At
//! most [`MOST`] rows stand in the page; scrolling near an end moves the window on.

use std::time::Duration;

use crate::view::Chat;
use leptos::html::Div;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use sotto_shared::id::EnvelopeHash;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, HtmlElement, ResizeObserver};

use crate::state::{Cell, Shown, Store, authored};
use crate::ui::screen::use_store;
use crate::ui::wire;
use crate::view::Command;

/// Rows that stand in the page at most.
const MOST: usize = 400;
/// Rows to begin with, and to add at a time.
const STEP: usize = 100;
/// Distance from an end, in pixels, at which more rows are wanted.
const NEAR: f64 = 900.0;
/// Closer to the newest row than this counts as being there.
const AT_BOTTOM: f64 = 40.0;
/// The line before the first unread message, and how far below the top of the screen it is brought.
const FRESH: &str = ".fresh";
const ABOVE_UNREAD: f64 = 48.0;
/// A row that was gone to stands out for a while.
const FLASH: &str = "data-flash";
const FLASHES: Duration = Duration::from_secs(2);
/// By then the rows of a conversation that was just opened have their true heights.
const SETTLES_WITHIN: Duration = Duration::from_millis(250);

/// A row on screen, how far below the top of the scroller it stood, and where the reader had scrolled to.
struct Anchor {
    row: SendWrapper<Element>,
    offset: f64,
    scroll: i32,
}

#[derive(Clone, Copy)]
pub struct Window {
    /// Where the rows come from: the conversation, or the thread beside it.
    pub rows: ReadSignal<Shown>,
    pub thread: Option<EnvelopeHash>,
    pub room: Chat,
    pub node: NodeRef<Div>,
    /// The last row in the page; `None`: the newest, whatever comes.
    end: RwSignal<Option<(u64, u64)>>,
    limit: RwSignal<usize>,
    pub at_bottom: RwSignal<bool>,
    /// The newest row when the reader was last at the bottom.
    seen: RwSignal<Option<(u64, u64)>>,
    pub loading: RwSignal<bool>,
    /// How many messages nobody had read here when the conversation was opened.
    pub unread: u32,
    /// The first of them. It stays while the conversation is open, though the rows are shown anew and are read by then.
    pub first_unread: RwSignal<Option<String>>,
    /// It stood on screen, or was asked for.
    pub met_unread: RwSignal<bool>,
    /// The rows were painted once: before that their heights are guesses.
    pub settled: RwSignal<bool>,
    /// How things stood before the rows changed.
    anchor: StoredValue<Option<Anchor>>,
}

impl Window {
    pub fn new(room: Chat) -> Self {
        let store = use_store();
        let unread = untrack(|| store.room(room)).map_or(0, |room| room.unread);
        Self::over(room, store.shown(), None, unread)
    }

    pub fn of_thread(room: Chat, root: EnvelopeHash) -> Self {
        Self::over(room, use_store().answers(), Some(root), 0)
    }

    fn over(room: Chat, rows: ReadSignal<Shown>, thread: Option<EnvelopeHash>, unread: u32) -> Self {
        let window = Self {
            rows,
            thread,
            room,
            node: NodeRef::new(),
            end: RwSignal::new(None),
            limit: RwSignal::new(STEP),
            at_bottom: RwSignal::new(true),
            seen: RwSignal::new(None),
            loading: RwSignal::new(false),
            unread,
            first_unread: RwSignal::new(None),
            met_unread: RwSignal::new(false),
            settled: RwSignal::new(false),
            anchor: StoredValue::new(None),
        };
        Effect::new(move |_| {
            let newest = rows.with(|shown| shown.cells.last().map(|cell| cell.order));
            window.end.track();
            window.limit.track();
            if window.at_bottom.get() {
                window.seen.set(newest);
            }
            // After the rows were put into the page, before they are painted.
            request_animation_frame(move || window.settle());
        });
        window.watch_heights();
        let first_unread = move |shown: &Shown| {
            shown
                .first_unread
                .clone()
                .filter(|_| shown.chat == Some(room) && shown.thread == thread)
        };
        // What still stands there from the last time, when it may have been unread, does not count.
        let old = rows.with_untracked(|shown| shown.times);
        Effect::new(move |_| {
            let first = rows.with(|shown| first_unread(shown).filter(|_| shown.times != old));
            if first.is_some() && window.first_unread.with_untracked(Option::is_none) {
                window.first_unread.set(first);
            }
        });
        Effect::new(move |before: Option<bool>| {
            let before = before.unwrap_or(false);
            let here = before
                || rows.with(|shown| shown.chat == Some(room) && shown.thread == thread && !shown.cells.is_empty());
            if here && !before {
                set_timeout(
                    move || {
                        // The room may have been left meanwhile.
                        if window.settled.try_set(true).is_none() {
                            window.look();
                        }
                    },
                    SETTLES_WITHIN,
                );
            }
            here
        });
        window
    }

    /// A row may change its height in its place: it was edited, opened, or its picture came. And what comes to stand below takes
    /// room: whoever is at the newest row stays there.
    fn watch_heights(self) {
        self.watch(|scroller| scroller.first_element_child(), move || self.settle());
        self.watch(
            |scroller| Some(scroller.clone().into()),
            move || {
                if self.at_bottom.try_get_untracked() == Some(true) {
                    self.settle();
                }
            },
        );
    }

    fn watch(self, what: fn(&HtmlElement) -> Option<Element>, act: impl Fn() + 'static) {
        let changed = Closure::<dyn Fn()>::new(act);
        let Ok(observer) = ResizeObserver::new(changed.as_ref().unchecked_ref()) else {
            return;
        };
        let watched = observer.clone();
        Effect::new(move |_| {
            if let Some(element) = self.node.get().and_then(|scroller| what(&scroller)) {
                watched.observe(&element);
            }
        });
        let both = SendWrapper::new((observer, changed));
        on_cleanup(move || {
            let (observer, _changed) = both.take();
            observer.disconnect();
        });
    }

    /// The first and the one after the last row of the window.
    fn range(self, shown: &Shown) -> (usize, usize) {
        let stop = match self.end.get() {
            None => shown.cells.len(),
            Some(end) => shown.cells.partition_point(|cell| cell.order <= end),
        };
        (stop.saturating_sub(self.limit.get()), stop)
    }

    /// The rows to put into the page now. Called right before they are: what is on screen is remembered.
    pub fn next_cells(self, shown: &Shown) -> Vec<Cell> {
        self.remember();
        self.cells(shown)
    }

    /// The rows that stand in the page.
    pub fn cells(self, shown: &Shown) -> Vec<Cell> {
        let (start, stop) = self.range(shown);
        shown.cells.get(start..stop).map(<[Cell]>::to_vec).unwrap_or_default()
    }

    /// Whether the very first row of the room stands in the page.
    pub fn at_start(self, shown: &Shown) -> bool {
        !shown.has_older && self.range(shown).0 == 0
    }

    /// Messages of others below what the reader has seen.
    pub fn fresh(self, shown: &Shown, store: Store) -> usize {
        let me = store.me();
        let from = self.seen.get().map_or(shown.cells.len(), |seen| {
            shown.cells.partition_point(|cell| cell.order <= seen)
        });
        shown.cells[from..]
            .iter()
            .filter(|cell| {
                cell.row
                    .with_untracked(|row| authored(&row.body).is_some_and(|(author, _)| Some(author) != me))
            })
            .count()
    }

    /// To the newest row.
    pub fn jump(self) {
        self.end.set(None);
        self.limit.set(STEP);
        self.at_bottom.set(true);
        self.anchor.set_value(None);
        request_animation_frame(move || {
            if let Some(scroller) = self.node.try_get_untracked().flatten() {
                scroller.set_scroll_top(0);
            }
        });
    }

    /// To the oldest row that is known. What is older comes when the reader stands there.
    pub fn go_to_first(self) {
        let end = self.rows.with_untracked(|shown| {
            let stop = MOST.min(shown.cells.len());
            (stop < shown.cells.len()).then(|| shown.cells[stop - 1].order)
        });
        self.at_bottom.set(false);
        self.anchor.set_value(None);
        self.limit.set(MOST);
        self.end.set(end);
        self.show_first(3);
    }

    /// Scrolls there once the rows stand in the page, and again while they find their heights.
    fn show_first(self, times: u32) {
        request_animation_frame(move || {
            let Some(scroller) = self.node.try_get_untracked().flatten() else {
                return;
            };
            self.anchor.set_value(None);
            scroller.set_scroll_top(-scroller.scroll_height());
            if times > 1 {
                self.show_first(times - 1);
            }
        });
    }

    /// To the first message that was not read when the conversation was opened, however far back it is.
    pub fn jump_to_unread(self) {
        let wanted = self.rows.with_untracked(|shown| {
            let key = self.first_unread.get_untracked()?;
            let at = shown.cells.iter().position(|cell| *cell.key == *key);
            Some((at, shown.cells.len(), shown.has_older))
        });
        match wanted {
            Some((Some(at), count, _)) => {
                self.met_unread.set(true);
                self.bring(at, count);
                self.show_unread(3);
            }
            // Not fetched yet.
            Some((None, _, true)) => {
                wire::ask(Command::LoadOlder { chat: self.room }, move |result| {
                    if result.is_ok() && self.node.try_get_untracked().flatten().is_some() {
                        request_animation_frame(move || self.jump_to_unread());
                    }
                });
            }
            _ => self.met_unread.set(true),
        }
    }

    /// Moves the window to a row that may stand outside of it.
    fn bring(self, at: usize, count: usize) {
        // As many rows as may stand there, the wanted one with some before it.
        let stop = (at + MOST - STEP).min(count);
        let end = self.rows.with_untracked(|shown| {
            (stop < count)
                .then(|| shown.cells.get(stop - 1).map(|cell| cell.order))
                .flatten()
        });
        self.at_bottom.set(false);
        self.limit.set(MOST);
        self.end.set(end);
    }

    /// To the row with this key, which is among those that are known.
    pub fn show_row(self, key: &str) {
        let at = self.rows.with_untracked(|shown| {
            let at = shown.cells.iter().position(|cell| *cell.key == *key)?;
            Some((at, shown.cells.len()))
        });
        let Some((at, count)) = at else { return };
        let (start, stop) = self.rows.with_untracked(|shown| untrack(|| self.range(shown)));
        if at < start || at >= stop {
            self.bring(at, count);
        } else {
            self.at_bottom.set(false);
        }
        self.anchor.set_value(None);
        self.scroll_to(key.to_owned(), 3);
    }

    /// Once the rows stand in the page, and again while they find their heights.
    fn scroll_to(self, key: String, times: u32) {
        request_animation_frame(move || {
            let Some(scroller) = self.node.try_get_untracked().flatten() else {
                return;
            };
            let at = self.rows.with_untracked(|shown| {
                let (start, _) = untrack(|| self.range(shown));
                let at = shown.cells.iter().position(|cell| *cell.key == *key)?;
                at.checked_sub(start)
            });
            let Some(row) = at.and_then(|at| focusable(&scroller).into_iter().nth(at)) else {
                return;
            };
            let middle = f64::from(scroller.client_height()) / 3.0;
            let moved = (offset(&scroller, &row) - middle).round() as i32;
            scroller.set_scroll_top(scroller.scroll_top() + moved);
            if times > 1 {
                self.scroll_to(key, times - 1);
                return;
            }
            drop(row.focus());
            drop(row.set_attribute(FLASH, ""));
            let row = SendWrapper::new(row);
            set_timeout(move || drop(row.remove_attribute(FLASH)), FLASHES);
        });
    }

    /// Scrolls there once the rows stand in the page, and again while they find their heights.
    fn show_unread(self, times: u32) {
        request_animation_frame(move || {
            let Some(scroller) = self.node.try_get_untracked().flatten() else {
                return;
            };
            if let Ok(Some(line)) = scroller.query_selector(FRESH) {
                let moved = (offset(&scroller, &line) - ABOVE_UNREAD).round() as i32;
                scroller.set_scroll_top(scroller.scroll_top() + moved);
            }
            if times > 1 {
                self.show_unread(times - 1);
            } else {
                drop(scroller.focus());
            }
        });
    }

    /// Whether the line before the first unread message is on screen, or has been scrolled past.
    fn meets_unread(self, scroller: &HtmlElement) {
        if self.settled.get_untracked()
            && !self.met_unread.get_untracked()
            && let Ok(Some(line)) = scroller.query_selector(FRESH)
            && offset(scroller, &line) >= 0.0
        {
            self.met_unread.set(true);
        }
    }

    /// The reader scrolled.
    pub fn scrolled(self) {
        if !self.at_bottom.get_untracked() {
            self.hold();
        }
        self.look();
        self.remember_anew();
    }

    /// Rows came, went, or changed their height: the row that was on screen stays where it was.
    fn settle(self) {
        if self.at_bottom.try_get_untracked() == Some(true) {
            if let Some(scroller) = self.node.try_get_untracked().flatten() {
                scroller.set_scroll_top(0);
            }
        } else {
            self.hold();
        }
        self.look();
        self.remember_anew();
    }

    /// Takes back what moved the remembered row.
    fn hold(self) {
        let Some(scroller) = self.node.try_get_untracked().flatten() else {
            return;
        };
        let anchor = self.anchor.try_update_value(Option::take).flatten();
        if let Some(anchor) = anchor.filter(|anchor| anchor.row.is_connected()) {
            // What moved the row without the reader's doing: they may have scrolled on since.
            let top = scroller.client_height() - scroller.scroll_height();
            // Unless the page became so short that the browser had to move them.
            let scrolled = if scroller.scroll_top() <= top + 1 {
                0
            } else {
                scroller.scroll_top() - anchor.scroll
            };
            let moved = (offset(&scroller, &anchor.row) - anchor.offset).round() as i32 + scrolled;
            // Positions come rounded: what is less was not moved.
            if moved.abs() > 1 {
                scroller.set_scroll_top(scroller.scroll_top() + moved);
            }
        }
    }

    /// Notices where the reader is and moves the window on.
    fn look(self) {
        let Some(scroller) = self
            .node
            .try_get_untracked()
            .flatten()
            .filter(|scroller| scroller.is_connected())
        else {
            return;
        };
        self.meets_unread(&scroller);
        let below = f64::from(-scroller.scroll_top()).max(0.0);
        let above = f64::from(scroller.scroll_height() - scroller.client_height()) - below;
        let newest = self.end.get_untracked().is_none();
        let at_bottom = newest && below < AT_BOTTOM;
        if self.at_bottom.get_untracked() != at_bottom {
            self.at_bottom.set(at_bottom);
        }
        let (start, stop, count) = self.rows.with_untracked(|shown| {
            let (start, stop) = untrack(|| self.range(shown));
            (start, stop, shown.cells.len())
        });
        let order = |at: usize| {
            self.rows
                .with_untracked(|shown| shown.cells.get(at).map(|cell| cell.order))
        };
        if above < NEAR && start > 0 {
            let limit = self.limit.get_untracked();
            if limit < MOST {
                self.limit.set((limit + STEP).min(MOST));
            } else {
                self.end.set(order(stop.saturating_sub(STEP.min(start) + 1)));
            }
        } else if above < NEAR {
            self.load_older();
        }
        if below < NEAR && !newest {
            // Past the end of what is known, the window follows the newest row again.
            self.end.set(if stop + STEP >= count {
                None
            } else {
                order(stop + STEP - 1)
            });
        }
    }

    fn load_older(self) {
        let wanted = self
            .rows
            .with_untracked(|shown| shown.has_older && shown.chat == Some(self.room));
        if !wanted || self.loading.get_untracked() {
            return;
        }
        self.loading.set(true);
        wire::ask(Command::LoadOlder { chat: self.room }, move |_| {
            // The room may have been left meanwhile.
            let _ = self.loading.try_set(false);
            // At the very top no scrolling will come that could ask for the next ones.
            request_animation_frame(move || self.look());
        });
    }

    fn remember_anew(self) {
        let _ = self.anchor.try_set_value(None);
        self.remember();
    }

    /// Keeps a row near the top of the screen as the one to hold still.
    fn remember(self) {
        let Some(scroller) = self.node.try_get_untracked().flatten() else {
            return;
        };
        if self.at_bottom.get_untracked() || self.anchor.with_value(Option::is_some) {
            return;
        }
        let frame = scroller.get_bounding_client_rect();
        let x = frame.left() + frame.width() / 2.0;
        let row = [24.0, 80.0, 160.0].into_iter().find_map(|down| {
            let under = document().element_from_point(x as f32, (frame.top() + down) as f32)?;
            under.closest("li[data-row]").ok().flatten()
        });
        // Near the beginning there is something else on top.
        let row = row.or_else(|| {
            focusable(&scroller)
                .into_iter()
                .map(Element::from)
                .find(|row| row.get_bounding_client_rect().bottom() > frame.top())
        });
        self.anchor.set_value(row.map(|row| Anchor {
            offset: offset(&scroller, &row),
            row: SendWrapper::new(row),
            scroll: scroller.scroll_top(),
        }));
    }
}

fn offset(scroller: &HtmlElement, row: &Element) -> f64 {
    row.get_bounding_client_rect().top() - scroller.get_bounding_client_rect().top()
}

/// The rows of the timeline that can take the keyboard.
pub fn focusable(scroller: &HtmlElement) -> Vec<HtmlElement> {
    let Ok(rows) = scroller.query_selector_all("li[data-row]") else {
        return Vec::new();
    };
    (0..rows.length())
        .filter_map(|at| rows.item(at)?.dyn_into().ok())
        .collect()
}
