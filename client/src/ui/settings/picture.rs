//! One's own picture: chosen, drawn anew as a small square so that nothing but what it looks like goes out, looked at, and saved.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::{ev, html};
use sotto_shared::api::B64;
use sotto_shared::picture::MAX_PICTURE_BYTES;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, CanvasRenderingContext2d, DataTransfer, File, FileList, HtmlCanvasElement, HtmlInputElement, ImageBitmap,
};

use crate::ui::dialogs::{error_line, refuse};
use crate::ui::kit::button;
use crate::ui::kit::mark::{Shape, Size, mark_under};
use crate::ui::pictures::{Address, picture_of, portrait};
use crate::ui::screen::{use_store, use_toasts};
use crate::ui::wire;
use crate::view::Command;

/// Of a side, in pixels.
const SIDE: u32 = 128;
const MAX_FILE_BYTES: f64 = 20e6;
/// How much like the original, from the best that fits.
const QUALITIES: [f64; 6] = [0.92, 0.85, 0.75, 0.6, 0.45, 0.3];
const TOO_LARGE: &str = "That file is larger than 20 MB. Choose a smaller picture.";
const NOT_ONE: &str = "That file is not a picture this browser can open. Choose a JPEG, PNG or WebP.";

/// What was chosen and not saved yet.
#[derive(Clone)]
struct Chosen {
    image: Vec<u8>,
    address: Arc<Address>,
}

pub fn picture() -> AnyView {
    let (store, toasts) = (use_store(), use_toasts());
    let me = Memo::new(move |_| store.me().and_then(|me| store.person(me)));
    let has_one = Memo::new(move |_| me.with(|me| me.as_ref().is_some_and(|me| me.picture.is_some())));
    let chosen = RwSignal::new(None::<Chosen>);
    let (error, busy, over) = (
        RwSignal::new(None::<String>),
        RwSignal::new(false),
        RwSignal::new(false),
    );
    let input = NodeRef::<html::Input>::new();
    let take = move |files: Option<FileList>| {
        let Some(file) = files.and_then(|files| files.get(0)) else {
            return;
        };
        error.set(None);
        spawn_local(async move {
            match drawn_anew(&file).await {
                Ok(image) => drop(chosen.try_set(Some(image))),
                Err(why) => drop(error.try_set(Some(why.to_owned()))),
            }
        });
    };
    let set = move |image: Option<Vec<u8>>| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        error.set(None);
        let said = if image.is_some() {
            "People see it where you write next."
        } else {
            "Your picture is taken away."
        };
        let image = image.map(B64);
        wire::ask(Command::SetPicture { image }, move |result| {
            busy.try_set(false);
            match result {
                Ok(_) => {
                    chosen.try_set(None);
                    toasts.ok(said);
                }
                Err(problem) => refuse(toasts, error, &problem),
            }
        });
    };
    let face = move || {
        let me = me.get()?;
        Some(match chosen.get() {
            Some(new) => mark_under(
                me.mark,
                Shape::Person,
                Size::S72,
                picture_of(&new.address, move || chosen.set(None)),
            ),
            None => portrait(me.id, me.mark, Size::S72),
        })
    };
    let choose = move || {
        if let Some(input) = input.get_untracked() {
            // The same file may be chosen again.
            input.set_value("");
            input.click();
        }
    };
    let acts = move || {
        if chosen.with(Option::is_some) {
            (
                html::button()
                    .r#type("button")
                    .class("button button-primary")
                    .attr("aria-busy", move || busy.get().then_some("true"))
                    .on(ev::click, move |_| {
                        set(chosen.with_untracked(|new| new.as_ref().map(|new| new.image.clone())));
                    })
                    .child("Save picture"),
                button::button("button", "Discard", move || chosen.set(None)),
            )
                .into_any()
        } else {
            (
                button::button("button", "Choose a picture", choose),
                has_one
                    .get()
                    .then(|| button::button("button button-quiet", "Remove picture", move || set(None))),
            )
                .into_any()
        }
    };
    // Wherever the focus is on this page. Words are pasted where they were meant for.
    let pasting = window_event_listener_untyped("paste", move |event| {
        let data = js_sys::Reflect::get(&event, &"clipboardData".into()).ok();
        let files = data.and_then(|data| data.dyn_into::<DataTransfer>().ok()?.files());
        if files.as_ref().is_some_and(|files| files.length() > 0) {
            event.prevent_default();
            take(files);
        }
    });
    on_cleanup(move || pasting.remove());
    html::section()
        .class("settings-group")
        .attr("aria-label", "Your picture")
        .child(
            html::div()
                .class("settings-list card-pad profile-head")
                .attr("data-over", move || over.get().then_some("true"))
                .on(ev::dragover, move |event| {
                    event.prevent_default();
                    over.set(true);
                })
                .on(ev::dragleave, move |_| over.set(false))
                .on(ev::drop, move |event| {
                    event.prevent_default();
                    over.set(false);
                    take(event.data_transfer().and_then(|data| data.files()));
                })
                .child((
                    face,
                    html::div().class("row-text").child((
                        html::p().class("row-title").child("Your picture"),
                        html::p().class("row-sub").child(
                            "Shown beside what you write: choose one, drop it here or paste it. Without one, people see the mark drawn from your account key.",
                        ),
                        html::input()
                            .r#type("file")
                            .attr("accept", "image/jpeg,image/png,image/webp,image/*")
                            .attr("aria-label", "Picture file")
                            .attr("hidden", "")
                            .node_ref(input)
                            .on(ev::change, move |event| {
                                let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
                                take(input.and_then(|input| input.files()));
                            }),
                        html::div().class("profile-acts").child(acts),
                        error_line(error),
                    )),
                )),
        )
        .into_any()
}

/// The middle of a picture, small and with nothing else that was in the file.
async fn drawn_anew(file: &File) -> Result<Chosen, &'static str> {
    if file.size() > MAX_FILE_BYTES {
        return Err(TOO_LARGE);
    }
    if file.type_().starts_with("image/svg") {
        return Err(NOT_ONE);
    }
    let square = square_of(file).await.map_err(|_| NOT_ONE)?;
    let blob = fitting(&square).await.map_err(|_| NOT_ONE)?.ok_or(NOT_ONE)?;
    let buffer = JsFuture::from(blob.array_buffer()).await.map_err(|_| NOT_ONE)?;
    Ok(Chosen {
        image: js_sys::Uint8Array::new(&buffer).to_vec(),
        address: Arc::new(Address::new(&blob).ok_or(NOT_ONE)?),
    })
}

fn context_of(canvas: &HtmlCanvasElement) -> Result<CanvasRenderingContext2d, JsValue> {
    let context = canvas.get_context("2d")?.ok_or(JsValue::UNDEFINED)?;
    Ok(context.dyn_into()?)
}

async fn square_of(file: &File) -> Result<HtmlCanvasElement, JsValue> {
    let (window, document) = (window(), document());
    let bitmap: ImageBitmap = JsFuture::from(window.create_image_bitmap_with_blob(file)?)
        .await?
        .dyn_into()?;
    let canvas: HtmlCanvasElement = document.create_element("canvas")?.dyn_into()?;
    canvas.set_width(SIDE);
    canvas.set_height(SIDE);
    let context = context_of(&canvas)?;
    let (width, height) = (f64::from(bitmap.width()), f64::from(bitmap.height()));
    let (side, whole) = (width.min(height), f64::from(SIDE));
    js_sys::Reflect::set(&context, &"imageSmoothingQuality".into(), &"high".into())?;
    context.draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
        &bitmap,
        (width - side) / 2.0,
        (height - side) / 2.0,
        side,
        side,
        0.0,
        0.0,
        whole,
        whole,
    )?;
    bitmap.close();
    Ok(canvas)
}

/// As good as fits: WebP, or JPEG in browsers that write no WebP.
async fn fitting(canvas: &HtmlCanvasElement) -> Result<Option<Blob>, JsValue> {
    for mime in ["image/webp", "image/jpeg"] {
        if mime == "image/jpeg" {
            // Which knows nothing that can be seen through.
            let context = context_of(canvas)?;
            context.set_global_composite_operation("destination-over")?;
            context.set_fill_style_str("#fff");
            context.fill_rect(0.0, 0.0, SIDE.into(), SIDE.into());
        }
        for quality in QUALITIES {
            let Some(blob) = written(canvas, mime, quality).await? else {
                return Ok(None);
            };
            if blob.type_() != mime {
                break;
            }
            if blob.size() <= MAX_PICTURE_BYTES as f64 {
                return Ok(Some(blob));
            }
        }
    }
    Ok(None)
}

async fn written(canvas: &HtmlCanvasElement, mime: &str, quality: f64) -> Result<Option<Blob>, JsValue> {
    let mut asked = Ok(());
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let done = Closure::once_into_js(move |blob: JsValue| drop(resolve.call1(&JsValue::NULL, &blob)));
        asked = canvas.to_blob_with_type_and_encoder_options(done.unchecked_ref(), mime, &quality.into());
    });
    asked?;
    Ok(JsFuture::from(promise).await?.dyn_into().ok())
}
