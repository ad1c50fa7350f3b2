//! Small questions to the browser: its name, the theme, the clipboard, storage of choices that are no secret.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

const THEME: &str = "sotto.theme";
const TELLS_READ: &str = "sotto.tells-read";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    System,
    Dark,
    Light,
}

impl Theme {
    const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Dark => "dark",
            Self::Light => "light",
        }
    }

    /// The choice made in this browser.
    pub fn chosen() -> Self {
        match storage()
            .and_then(|storage| storage.get_item(THEME).ok().flatten())
            .as_deref()
        {
            Some("dark") => Self::Dark,
            Some("light") => Self::Light,
            _ => Self::System,
        }
    }

    /// Shows it and keeps it in this browser. Storage may be refused; the page still changes.
    pub fn choose(self) {
        if let Some(root) = document().document_element() {
            drop(match self {
                Self::System => root.remove_attribute("data-theme"),
                _ => root.set_attribute("data-theme", self.name()),
            });
        }
        if let Some(storage) = storage() {
            drop(match self {
                Self::System => storage.remove_item(THEME),
                _ => storage.set_item(THEME, self.name()),
            });
        }
    }

    /// The other one of dark and light, as the page stands now.
    pub fn opposite(self) -> Self {
        let dark = match self {
            Self::Dark => true,
            Self::Light => false,
            Self::System => window()
                .match_media("(prefers-color-scheme: dark)")
                .ok()
                .flatten()
                .is_some_and(|query| query.matches()),
        };
        if dark { Self::Light } else { Self::Dark }
    }
}

/// What a choice is in this browser. Storage may be refused: then nothing was chosen.
pub fn kept(name: &str) -> Option<String> {
    storage()?.get_item(name).ok().flatten()
}

pub fn keep(name: &str, value: Option<&str>) {
    if let Some(storage) = storage() {
        drop(match value {
            Some(value) => storage.set_item(name, value),
            None => storage.remove_item(name),
        });
    }
}

/// Whether others may see what was read in this browser: yes, unless somebody said no here.
pub fn tells_read() -> bool {
    kept(TELLS_READ).as_deref() != Some("no")
}

/// Keeps that choice in this browser, if it keeps anything.
pub fn keep_tells_read(on: bool) {
    keep(TELLS_READ, (!on).then_some("no"));
}

/// Whether others may see that somebody writes here, that somebody is here, and what has come here.
pub const TYPING: &str = "sotto.tells-typing";
pub const PRESENCE: &str = "sotto.tells-presence";
pub const REACHED: &str = "sotto.tells-reached";

/// Yes, unless somebody said no here.
pub fn tells(what: &str) -> bool {
    kept(what).as_deref() != Some("no")
}

pub fn keep_tells(what: &str, on: bool) {
    keep(what, (!on).then_some("no"));
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

/// What this browser is called in the list of devices: "Firefox on Linux".
pub fn device_name() -> String {
    let agent = window().navigator().user_agent().unwrap_or_default();
    let has = |word: &str| agent.contains(word);
    let browser = if has("Edg/") {
        "Edge"
    } else if has("OPR/") {
        "Opera"
    } else if has("Firefox/") || has("FxiOS/") {
        "Firefox"
    } else if has("Chrome/") || has("CriOS/") {
        "Chrome"
    } else if has("Safari/") {
        "Safari"
    } else {
        "A browser"
    };
    let system = if has("Android") {
        "Android"
    } else if has("iPhone") {
        "iPhone"
    } else if has("iPad") {
        "iPad"
    } else if has("CrOS") {
        "ChromeOS"
    } else if has("Windows") {
        "Windows"
    } else if has("Mac OS") {
        "Mac"
    } else {
        "Linux"
    };
    format!("{browser} on {system}")
}

/// Whether the command key is written ⌘.
pub fn is_apple() -> bool {
    let agent = window().navigator().user_agent().unwrap_or_default();
    agent.contains("Mac OS") || agent.contains("iPhone") || agent.contains("iPad")
}

/// Puts text on the clipboard; tells whether that worked.
pub async fn copy(text: String) -> bool {
    let navigator: JsValue = window().navigator().into();
    // Absent outside secure contexts and in some embedded browsers.
    let has = js_sys::Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|clipboard| !clipboard.is_undefined());
    has && wasm_bindgen_futures::JsFuture::from(window().navigator().clipboard().write_text(&text))
        .await
        .is_ok()
}

/// Hands text to the person as a file.
pub fn save(name: &str, text: &str) {
    let parts = js_sys::Array::of1(&text.into());
    let address =
        web_sys::Blob::new_with_str_sequence(&parts).and_then(|blob| web_sys::Url::create_object_url_with_blob(&blob));
    let link = document()
        .create_element("a")
        .map(JsCast::unchecked_into::<web_sys::HtmlAnchorElement>);
    if let (Ok(address), Ok(link)) = (address, link) {
        link.set_href(&address);
        link.set_download(name);
        link.click();
        drop(web_sys::Url::revoke_object_url(&address));
    }
}

/// Which build this page is, and the hash of every file of it that the browser checked, by name.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Built {
    pub build: String,
    /// As `sha256-` and base64.
    pub files: std::collections::BTreeMap<String, String>,
}

#[wasm_bindgen]
extern "C" {
    /// Set by `loader.js`.
    #[wasm_bindgen(thread_local_v2, js_name = sottoBuilt)]
    static BUILT: Option<js_sys::Function>;
}

impl Built {
    pub fn this_page() -> Option<Self> {
        let text = BUILT.with(Clone::clone)?.call0(&JsValue::UNDEFINED).ok()?.as_string()?;
        serde_json::from_str(&text).ok()
    }
}

/// The text of a file of this page, if it is the one that the page was built with.
pub async fn checked_text(path: &str) -> Option<String> {
    let built = Built::this_page()?;
    let init = web_sys::RequestInit::new();
    init.set_integrity(built.files.get(path)?);
    let answer = wasm_bindgen_futures::JsFuture::from(window().fetch_with_str_and_init(path, &init))
        .await
        .ok()?;
    let answer: web_sys::Response = answer.dyn_into().ok()?;
    if !answer.ok() {
        return None;
    }
    let text = wasm_bindgen_futures::JsFuture::from(answer.text().ok()?).await.ok()?;
    text.as_string()
}

/// Whether an input method composes with this key: then the key is its own. 229 is how some browsers say so.
pub fn is_composing(event: &web_sys::KeyboardEvent) -> bool {
    event.is_composing() || event.key_code() == 229
}

/// The element that has focus.
pub fn focused() -> Option<web_sys::HtmlElement> {
    document().active_element().and_then(|element| element.dyn_into().ok())
}

pub fn focus(id: &str) {
    if let Some(element) = document()
        .get_element_by_id(id)
        .and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok())
    {
        drop(element.focus());
    }
}

/// Whether the page is on a screen narrow enough for one pane.
pub fn is_narrow() -> bool {
    window()
        .match_media("(width < 900px)")
        .ok()
        .flatten()
        .is_some_and(|query| query.matches())
}

/// Whether one pane stands alone, followed as the window changes.
#[derive(Clone, Copy)]
pub struct Narrow(RwSignal<bool>);

impl Narrow {
    pub fn watch() -> Self {
        let narrow = Self(RwSignal::new(is_narrow()));
        drop(window_event_listener_untyped("resize", move |_| {
            let now = is_narrow();
            if narrow.0.get_untracked() != now {
                narrow.0.set(now);
            }
        }));
        narrow
    }

    pub fn get(self) -> bool {
        self.0.get()
    }

    /// The level of a heading that names the only pane on a narrow screen, and one of several on a wide one.
    pub fn level(self) -> Option<&'static str> {
        self.get().then_some("1")
    }
}

/// Where this page comes from: what an address of it begins with.
pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// Whether a menu or small panel stands over the page: keys belong to it, also while its button still has the focus.
pub fn is_menu_open() -> bool {
    document()
        .query_selector("[popover=auto]:popover-open")
        .is_ok_and(|found| found.is_some())
}

/// Whether fingers are the way to point: then nothing grabs the keyboard by itself, and Enter makes a line.
pub fn is_touch() -> bool {
    window()
        .match_media("(pointer: coarse)")
        .ok()
        .flatten()
        .is_some_and(|query| query.matches())
}
