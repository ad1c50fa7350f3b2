//! Times and dates, written by the browser's own `Intl` in the reader's language.

use std::cell::RefCell;
use std::collections::HashMap;

use std::time::Duration;

use js_sys::{Array, Date, Function, Intl, Object, Reflect};
use leptos::prelude::*;
use leptos::reactive::graph::Observer;
use wasm_bindgen::JsValue;

pub use super::day::Day;

type Options = &'static [(&'static str, &'static str)];

static TIME: Options = &[("hour", "numeric"), ("minute", "2-digit")];
static WEEKDAY: Options = &[("weekday", "short")];
static DAY: Options = &[("day", "numeric"), ("month", "short")];
static DAY_LONG: Options = &[("weekday", "long"), ("day", "numeric"), ("month", "long")];
static DAY_YEAR: Options = &[("day", "numeric"), ("month", "long"), ("year", "numeric")];
static DAY_TIME: Options = &[
    ("day", "numeric"),
    ("month", "short"),
    ("hour", "numeric"),
    ("minute", "2-digit"),
];
static FULL: Options = &[("dateStyle", "full"), ("timeStyle", "short")];

thread_local! {
    // Making a formatter is slow; using one is not.
    static FORMATS: RefCell<HashMap<usize, Function>> = RefCell::default();
    static TODAY: ArcRwSignal<Day> = ArcRwSignal::new(day(now()));
}

/// The day that it is. Whatever on the page is written by it is written anew when another one begins.
pub fn today() -> Day {
    if Observer::get().is_some() {
        TODAY.with(ArcRwSignal::track);
    }
    day(now())
}

/// Lets the page know when another day begins. Called once.
pub fn follow_the_day() {
    // In a tab that nobody looks at, and while the machine sleeps, timers come late.
    drop(window_event_listener_untyped("visibilitychange", |_| look_at_the_day()));
    wait_for_midnight();
}

fn look_at_the_day() {
    let now = day(now());
    TODAY.with(|today| {
        if today.get_untracked() != now {
            today.set(now);
        }
    });
}

fn wait_for_midnight() {
    look_at_the_day();
    let now = now();
    let wait = at_hour(now, 1, 0).saturating_sub(now);
    // A little later: timers may be early.
    set_timeout(wait_for_midnight, Duration::from_millis(wait + 500));
}

fn write(ms: u64, options: Options) -> String {
    let format = FORMATS.with_borrow_mut(|formats| {
        formats
            .entry(options.as_ptr() as usize)
            .or_insert_with(|| {
                let object = Object::new();
                for (key, value) in options {
                    drop(Reflect::set(
                        &object,
                        &JsValue::from_str(key),
                        &JsValue::from_str(value),
                    ));
                }
                Intl::DateTimeFormat::new(&Array::new(), &object).format()
            })
            .clone()
    });
    format
        .call1(&JsValue::UNDEFINED, &date(ms))
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_default()
}

fn date(ms: u64) -> Date {
    Date::new(&JsValue::from_f64(ms as f64))
}

pub fn day(ms: u64) -> Day {
    let date = date(ms);
    Day(date.get_full_year(), date.get_month(), date.get_date())
}

#[allow(
    clippy::disallowed_methods,
    reason = "to say \"today\", and since when nobody has been here: the protocol decides nothing by it"
)]
pub fn now() -> u64 {
    Date::now() as u64
}

/// Eight in the morning of the day after.
pub fn morning_after(ms: u64) -> u64 {
    at_hour(ms, 1, 8)
}

/// So many days later, at this hour.
fn at_hour(ms: u64, days: u32, hour: u32) -> u64 {
    let date = date(ms);
    date.set_date(date.get_date() + days);
    date.set_hours(hour);
    date.set_minutes(0);
    date.set_seconds(0);
    date.set_milliseconds(0);
    date.get_time() as u64
}

/// Whole days between then and now, by the calendar; 0 is today. The future counts as today.
fn days_ago(ms: u64) -> u32 {
    let noon =
        |Day(year, month, day): Day| Date::new_with_year_month_day_hr(year, month as i32, day as i32, 12).get_time();
    ((noon(today()) - noon(day(ms))) / 86_400_000.0).round().max(0.0) as u32
}

pub fn is_today(ms: u64) -> bool {
    day(ms) == today()
}

/// "11:26"
pub fn time(ms: u64) -> String {
    write(ms, TIME)
}

/// The same for a narrow place: "8:26" where others write "8:26 AM".
pub fn time_alone(ms: u64) -> String {
    let text = time(ms);
    text.trim_end_matches(|letter: char| letter.is_alphabetic() || letter.is_whitespace() || letter == '.')
        .to_owned()
}

/// For machines, in `datetime` attributes.
pub fn iso(ms: u64) -> String {
    date(ms).to_iso_string().into()
}

/// Everything, for a tooltip.
pub fn full(ms: u64) -> String {
    write(ms, FULL)
}

/// For a list: a time today, then a weekday, then a date.
pub fn brief(ms: u64) -> String {
    match days_ago(ms) {
        0 => time(ms),
        1..=6 => write(ms, WEEKDAY),
        _ if day(ms).0 == today().0 => write(ms, DAY),
        _ => write(ms, DAY_YEAR),
    }
}

/// A time in a sentence: "15:20", "23 Nov, 15:20".
pub fn moment(ms: u64) -> String {
    if is_today(ms) { time(ms) } else { write(ms, DAY_TIME) }
}

/// For a divider between days.
pub fn day_name(ms: u64) -> String {
    match days_ago(ms) {
        0 => "Today".into(),
        1 => "Yesterday".into(),
        _ if day(ms).0 == today().0 => write(ms, DAY_LONG),
        _ => write(ms, DAY_YEAR),
    }
}

/// In a sentence: "today, 09:12", "3 days ago", "14 June 2026".
pub fn ago(ms: u64) -> String {
    match days_ago(ms) {
        0 => format!("today, {}", time(ms)),
        1 => format!("yesterday, {}", time(ms)),
        days @ 2..=60 => format!("{days} days ago"),
        _ => write(ms, DAY_YEAR),
    }
}

/// As a date field has it: `2026-06-14`.
pub fn input_day(ms: u64) -> String {
    let Day(year, month, day) = day(ms);
    format!("{year:04}-{:02}-{day:02}", month + 1)
}

/// When the day of a date field begins where the reader is.
pub fn midnight(day: &str) -> Option<u64> {
    let mut parts = day.splitn(3, '-').map(|part| part.parse::<u32>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let date = Date::new_with_year_month_day(year, month.checked_sub(1)? as i32, day as i32);
    let ms = date.get_time();
    (ms >= 0.0).then_some(ms as u64)
}

/// In a sentence, without the hour.
pub fn on(ms: u64) -> String {
    match days_ago(ms) {
        0 => "today".into(),
        1 => "yesterday".into(),
        _ => write(ms, DAY_YEAR),
    }
}
