// Starts Sotto: theme, policy, worker, page. A classic script in the head, so that the theme stands before the first paint.
(() => {
  "use strict";
  const root = document.documentElement;
  // What the page says when this script is not run (index.html).
  root.dataset.started = "";

  // Filled in when the page is built (client/assemble.mjs): which build this is, and the hash of every file that is loaded
  // from here. The browser runs nothing that has another.
  const built = { build: "dev", files: {} };

  // A theme chosen by the person; otherwise the system's.
  try {
    const theme = localStorage.getItem("sotto.theme");
    if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  } catch {
    // Storage may be refused; the system's theme is fine.
  }

  // The secret of a link stands after the #. Out of the address bar and the history first, then kept for this tab alone, over
  // reloads and signing up, until it was used or put away (ui/link).
  const LINK = "sotto.link";
  let link = null;
  const keep = (text) => {
    link = text ?? null;
    try {
      if (link === null) sessionStorage.removeItem(LINK);
      else sessionStorage.setItem(LINK, link);
    } catch {
      // Storage may be refused; then it lasts until the page is loaded again.
    }
  };
  try {
    link = sessionStorage.getItem(LINK);
  } catch {
    // The same.
  }
  const takeLink = () => {
    if (!/^#[ic]1\./.test(location.hash)) return false;
    keep(location.hash.slice(1));
    history.replaceState(null, "", "/link");
    return true;
  };
  takeLink();
  // One that is opened while the page stands.
  addEventListener("hashchange", () => takeLink() && dispatchEvent(new Event("sotto-link")));
  globalThis.sottoLink = { read: () => link ?? undefined, keep };

  const drawn = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };

  let halted = false;
  const say = (title, text, retry) => {
    halted = true;
    const show = () => {
      const mark = drawn("svg", { class: "logo-mark logo-mark-l", width: "32", height: "32", viewBox: "0 0 24 24", "aria-hidden": "true" });
      mark.append(
        drawn("path", { class: "logo-over", d: "M1 11.6A8.5 8.5 0 0 1 18 11.6Z" }),
        drawn("path", { class: "logo-under", d: "M6 12.4A8.5 8.5 0 0 0 23 12.4Z" }),
      );
      const main = document.createElement("main");
      main.className = "halt";
      const said = document.createElement("div");
      said.className = "halt-said";
      said.setAttribute("role", "alert");
      const h1 = document.createElement("h1");
      h1.textContent = title;
      const p = document.createElement("p");
      p.textContent = text;
      said.append(h1, p);
      main.append(mark, said);
      document.title = "Sotto";
      if (retry) {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "button button-primary";
        button.textContent = "Load the page again";
        button.addEventListener("click", () => location.reload());
        main.append(button);
      }
      document.body.replaceChildren(main);
    };
    if (document.body) show();
    else document.addEventListener("DOMContentLoaded", show, { once: true });
  };

  // A fault in the page itself ends it: WebAssembly does not go on after one. What has stopped must not look alive.
  const halt = (fault) => {
    if (!(fault instanceof WebAssembly.RuntimeError)) return;
    say("Sotto stopped", "A fault of ours ended this page. What you wrote is kept in this browser; load the page again to go on.", true);
  };

  if (!window.isSecureContext) {
    say("Sotto needs a secure address", "Your browser only lets pages use encryption over https. Ask whoever runs this server for its https address.");
    return;
  }
  if (typeof WebAssembly !== "object" || typeof Worker !== "function" || !globalThis.crypto?.subtle || !globalThis.indexedDB
      || typeof HTMLDialogElement !== "function" || !CSS.supports("color", "light-dark(red, red)")) {
    say("This browser is too old for Sotto", "Messages are opened inside the browser, and this one lacks something that takes. A current Firefox, Chrome, Edge or Safari works.");
    return;
  }

  // Every file of this page whose hash is known, those that index.html names too.
  const known = () => {
    const named = [...document.querySelectorAll("[integrity]")].map((part) => [new URL(part.src || part.href).pathname, part.integrity]);
    return Object.entries({ ...built.files, ...Object.fromEntries(named) });
  };

  // For whoever wants to compare (settings).
  globalThis.sottoBuilt = () => JSON.stringify({ build: built.build, files: Object.fromEntries(known()) });

  // The first file that is there and is not the one this page was built with.
  const altered = async () => {
    for (const [path, integrity] of known()) {
      const answer = await fetch(path, { cache: "no-store" }).catch(() => null);
      if (!answer) return null;
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await answer.arrayBuffer()));
      if (`sha256-${btoa(String.fromCharCode(...hash))}` !== integrity) return path.slice(1);
    }
    return null;
  };

  // Something did not load: says so, and whether it is because the browser refused a file that is not ours.
  const trouble = async (text) => {
    const file = await altered();
    if (file) {
      globalThis.sottoWorker?.terminate();
      say(
        "This is not all of Sotto",
        `The file ${file} is not the one that build ${built.build} was made with, so it was not run. If this server was just updated, loading the page again helps. If this stays, do not type your password here, and tell whoever runs this server.`,
        true,
      );
    } else if (text) {
      say("Sotto could not start", text, true);
    }
  };

  addEventListener(
    "error",
    (event) => {
      // A script or style that was refused or did not come; such errors stay at their element, so they are caught on the way.
      if (event.target instanceof Element) {
        if (event.target.hasAttribute("integrity")) trouble("The page did not load completely. Nothing is lost; loading it again usually helps.");
      } else halt(event.error);
    },
    true,
  );
  addEventListener("unhandledrejection", (event) => halt(event.reason));

  // The only scripts that may be run from here: the page's, and workers once their text was checked, under addresses that
  // exist in this page alone. There is no `default` policy: text can never become markup here.
  const page = "/app.js";
  const checkedWorkers = new Map();
  const policy = globalThis.trustedTypes
    ? trustedTypes.createPolicy("loader", {
        createScriptURL: (url) => {
          if (url === page || [...checkedWorkers.values()].includes(url)) return url;
          throw new TypeError("not a script of Sotto");
        },
      })
    : { createScriptURL: (url) => url };

  // What has another hash the browser refuses; what has none is not asked for.
  const integrityOf = (path) => {
    if (!built.files[path]) throw new Error(`${path} is not a file of build ${built.build}`);
    return built.files[path];
  };
  const checked = async (path) => fetch(path, { integrity: integrityOf(path) });

  // The worker may speak before the page listens, so its first words are kept.
  const early = [];
  globalThis.sottoEarly = early;
  const NO_WORKER = "The part that opens your messages did not load. Nothing is lost; loading the page again usually helps.";

  // A worker cannot be told what hash its script must have, and fetching it twice could give two answers: so what was
  // checked is what is run.
  const workerOf = async (path, name) => {
    if (!checkedWorkers.has(path)) {
      const text = await (await checked(path)).text();
      checkedWorkers.set(path, URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    }
    return new Worker(policy.createScriptURL(checkedWorkers.get(path)), { name });
  };

  // Colours code (ui/code.rs).
  globalThis.sottoCodeWorker = () => workerOf("/code.js", "code");

  const startWorker = async () => {
    const worker = await workerOf("/worker.js", "sotto");
    worker.onmessage = (event) => early.push(event.data);
    // The page takes over once it listens; a file that was refused is still told from here.
    const first = (event) => {
      console.error("sotto worker:", event.message ?? "could not be loaded");
      trouble(NO_WORKER);
    };
    worker.onerror = first;
    worker.addEventListener("error", () => worker.onerror === first || trouble(null));
    worker.addEventListener("message", (event) => event.data.missing && trouble(null));
    globalThis.sottoWorker = worker;
  };

  // An address is loaded once in a page, so `import` gives the very script that was checked.
  const loadPage = () =>
    new Promise((loaded, failed) => {
      const script = document.createElement("script");
      script.type = "module";
      script.src = policy.createScriptURL(page);
      script.integrity = integrityOf(page);
      script.onload = () => loaded(import("/app.js"));
      script.onerror = () => failed(new Error("app.js was not loaded"));
      document.head.append(script);
    });

  const ready = new Promise((done) => {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", done, { once: true });
    else done();
  });

  const open = async () => {
    try {
      const [app, wasm] = await Promise.all([loadPage(), checked("/app_bg.wasm"), startWorker(), ready]);
      if (halted) return;
      document.querySelector(".unstarted")?.remove();
      await app.default({ module_or_path: wasm });
    } catch (error) {
      console.error("sotto page:", error);
      trouble("The page did not load completely. Nothing is lost; loading it again usually helps.");
    }
  };
  open();
})();
