// The worker's own words, behind wasm-bindgen's for both of its modules, `worker` and `passwords` (client/assemble.mjs).

// Filled in when the page is built: which build this is, and the hash of what is loaded from here.
const built = { build: "dev", files: {} };

// What has another hash the browser refuses; what has none is not asked for. This script has no address of its own (it
// was checked before it became one), so addresses here are whole.
const checked = async (path) => {
  const integrity = built.files[path];
  if (!integrity) throw new Error(`${path} is not a file of build ${built.build}`);
  return fetch(location.origin + path, { integrity });
};

// The part that offers and rates passwords is large and seldom needed: it loads when it is first asked.
let asked = null;
globalThis.sottoAskPasswords = (question) => {
  asked ??= passwords({ module_or_path: checked("/passwords_bg.wasm") });
  return asked.then(
    () => globalThis.sottoAnswerPasswords(question),
    (error) => {
      asked = null;
      // The loader tells whether it was refused.
      postMessage({ missing: true });
      throw error;
    },
  );
};

// What goes wrong here is thrown again outside the promise, since only that reaches the page's `onerror`.
worker({ module_or_path: checked("/worker_bg.wasm") }).catch((error) => {
  setTimeout(() => {
    throw error;
  });
});
