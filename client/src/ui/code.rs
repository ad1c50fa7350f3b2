//! Colours for code in messages. A worker of its own splits the text (`client/code-entry.js`, Prism): no rule of it runs on
//! the page, and one that does not come to an end is ended. Without an answer code stays as it is, in one colour.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use leptos::html;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker};

/// Classes of the parts, in the order of `client/code-entry.js`; the first is text without a colour.
const KINDS: [&str; 10] = [
    "",
    "code-remark",
    "code-text",
    "code-value",
    "code-word",
    "code-act",
    "code-type",
    "code-name",
    "code-more",
    "code-less",
];
/// Longer texts stay in one colour, in bytes.
const LONG: usize = 20_000;
/// And those of more parts: each is an element of the page.
const PARTS: usize = 2_000;
/// So long a text may take. Nothing that people write takes a tenth of it.
const PATIENCE: Duration = Duration::from_secs(1);
/// Texts whose colours are remembered, and texts that wait for theirs: rows come and go while one scrolls.
const KEPT: usize = 100;

/// Where each part ends in the text, in bytes, and which kind it is.
type Parts = Rc<[(usize, usize)]>;

/// A text that waits for its colours.
struct Asked {
    lang: String,
    text: String,
    colours: RwSignal<Option<Parts>, LocalStorage>,
}

#[derive(Default)]
struct Colours {
    worker: Option<Worker>,
    starting: bool,
    waiting: VecDeque<Asked>,
    /// What the worker looks at, and for how long still.
    asked: Option<(Asked, Option<TimeoutHandle>)>,
    /// Language, text, and its parts if there was an answer.
    kept: VecDeque<(String, String, Option<Parts>)>,
}

thread_local! {
    static COLOURS: RefCell<Colours> = RefCell::default();
}

#[wasm_bindgen]
extern "C" {
    /// Set by `loader.js`: starts the worker, if its text is the one that the page was built with.
    #[wasm_bindgen(catch, js_name = sottoCodeWorker)]
    async fn code_worker() -> Result<JsValue, JsValue>;
}

/// The text of a code block, coloured once that is known.
pub fn coloured(lang: &str, text: String) -> AnyView {
    if lang.is_empty() || text.len() > LONG {
        return text.into_any();
    }
    let known = COLOURS.with_borrow(|all| {
        let mut kept = all.kept.iter();
        let found = kept.find(|(of, code, _)| of == lang && *code == text);
        found.map(|(_, _, parts)| parts.clone())
    });
    let is_new = known.is_none();
    let colours = RwSignal::new_local(known.flatten());
    if is_new {
        ask(Asked {
            lang: lang.to_owned(),
            text: text.clone(),
            colours,
        });
    }
    let drawn = move || match colours.get() {
        Some(parts) => spans(&text, &parts),
        None => text.clone().into_any(),
    };
    drawn.into_any()
}

fn spans(text: &str, parts: &[(usize, usize)]) -> AnyView {
    let mut start = 0;
    let span = |&(end, kind): &(usize, usize)| {
        let part = text.get(start..end).unwrap_or_default().to_owned();
        start = end;
        match KINDS.get(kind) {
            Some(&class) if !class.is_empty() => html::span().class(class).child(part).into_any(),
            _ => part.into_any(),
        }
    };
    parts.iter().map(span).collect_view().into_any()
}

fn ask(asked: Asked) {
    COLOURS.with_borrow_mut(|all| {
        // What has scrolled away is asked for again when it comes back.
        if all.waiting.len() >= KEPT {
            all.waiting.pop_front();
        }
        all.waiting.push_back(asked);
    });
    next();
}

/// Hands the worker the next text, if it is free; starts one if there is none.
fn next() {
    let must_start = COLOURS.with_borrow_mut(|all| {
        if all.asked.is_some() || all.starting || all.waiting.is_empty() {
            return false;
        }
        let Some(worker) = &all.worker else {
            all.starting = true;
            return true;
        };
        if let Some(asked) = all.waiting.pop_front() {
            let question = js_sys::Array::of2(&asked.lang.as_str().into(), &asked.text.as_str().into());
            // Fails only for values that cannot be cloned; text can.
            let _ = worker.post_message(&question);
            let limit = set_timeout_with_handle(|| answered(None, true), PATIENCE).ok();
            all.asked = Some((asked, limit));
        }
        false
    });
    if must_start {
        spawn_local(start());
    }
}

async fn start() {
    let worker = code_worker().await.ok().and_then(|worker| worker.dyn_into().ok());
    COLOURS.with_borrow_mut(|all| {
        all.starting = false;
        match &worker {
            Some(worker) => listen(worker),
            // Asked for again with the next text.
            None => all.waiting.clear(),
        }
        all.worker = worker;
    });
    next();
}

fn listen(worker: &Worker) {
    let heard = Closure::<dyn Fn(MessageEvent)>::new(|event: MessageEvent| {
        let parts = event.data().dyn_into::<js_sys::Uint32Array>().ok();
        answered(parts.map(|parts| parts.to_vec()), false);
    });
    // A rule that failed on a text.
    let failed = Closure::<dyn Fn()>::new(|| answered(None, false));
    worker.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    worker.set_onerror(Some(failed.as_ref().unchecked_ref()));
    // A worker lives as long as the page, but for those that are ended, which are few.
    heard.forget();
    failed.forget();
}

fn answered(parts: Option<Vec<u32>>, is_late: bool) {
    let answer = COLOURS.with_borrow_mut(|all| {
        let (asked, limit) = all.asked.take()?;
        if let Some(limit) = limit {
            limit.clear();
        }
        if is_late && let Some(worker) = all.worker.take() {
            worker.terminate();
        }
        let parts = parts.and_then(|parts| ends(&asked.text, &parts));
        if all.kept.len() >= KEPT {
            all.kept.pop_front();
        }
        all.kept.push_back((asked.lang, asked.text, parts.clone()));
        Some((asked.colours, parts))
    });
    if let Some((colours, Some(parts))) = answer {
        // Nobody looks any more if the row is gone.
        let _ = colours.try_set(Some(parts));
    }
    next();
}

/// Lengths in UTF-16 and kinds in turn, as ends in bytes; nothing if they are not the parts of this very text, or too many.
fn ends(text: &str, parts: &[u32]) -> Option<Parts> {
    if parts.len() > 2 * PARTS {
        return None;
    }
    let mut chars = text.chars();
    let mut all = Vec::with_capacity(parts.len() / 2);
    for pair in parts.chunks(2) {
        let &[length, kind] = pair else { return None };
        let mut left = length as usize;
        while left > 0 {
            left = left.checked_sub(chars.next()?.len_utf16())?;
        }
        all.push((text.len() - chars.as_str().len(), kind as usize));
    }
    chars.as_str().is_empty().then(|| all.into())
}
