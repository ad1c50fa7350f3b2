// Starts Sotto: theme, policy, worker, page. A classic script in the head, so that the theme stands before the first paint.
(() => {
  "use strict";
  const root = document.documentElement;

  // A theme chosen by the person; otherwise the system's.
  try {
    const theme = localStorage.getItem("sotto.theme");
    if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  } catch {
    // Storage may be refused; the system's theme is fine.
  }

  // An invite's secret stands after the #. Out of the address bar and the history first, then kept in memory for the page.
  let invite = null;
  if (location.hash.startsWith("#i1.")) {
    invite = location.hash.slice(1);
    history.replaceState(null, "", location.pathname + location.search);
  }

  const drawn = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };

  const say = (title, text, retry) => {
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

  addEventListener("error", (event) => halt(event.error));
  addEventListener("unhandledrejection", (event) => halt(event.reason));

  // The only script address that may become a worker. There is no `default` policy: text can never become markup here.
  const entry = "/worker-entry.js";
  const policy = globalThis.trustedTypes
    ? trustedTypes.createPolicy("loader", {
        createScriptURL: (url) => {
          if (url === entry) return url;
          throw new TypeError("not a script of Sotto");
        },
      })
    : { createScriptURL: (url) => url };

  // The worker may speak before the page listens, so its first words are kept.
  const early = [];
  const worker = new Worker(policy.createScriptURL(entry), { type: "module", name: "sotto" });
  worker.onmessage = (event) => early.push(event.data);
  worker.onerror = (event) => {
    console.error("sotto worker:", event.message ?? "could not be loaded");
    say("Sotto could not start", "The part that opens your messages did not load. Nothing is lost; loading the page again usually helps.", true);
  };
  globalThis.sottoWorker = worker;
  globalThis.sottoEarly = early;
  globalThis.sottoInvite = invite;

  const open = async () => {
    try {
      const app = await import("/app.js");
      await app.default({ module_or_path: "/app_bg.wasm" });
    } catch (error) {
      console.error("sotto page:", error);
      say("Sotto could not start", "The page did not load completely. Nothing is lost; loading it again usually helps.", true);
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", open, { once: true });
  else open();
})();
