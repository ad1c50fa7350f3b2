// The worker's first file: loads its wasm. What goes wrong here is thrown again outside the promise,
// since only that reaches the page's `onerror`.
import init from "/worker.js";

// The part that offers and rates passwords is large and seldom needed: it loads when it is first asked.
let passwords = null;
globalThis.sottoAskPasswords = (question) => {
  passwords ??= import("/passwords.js").then((module) => module.default({ module_or_path: "/passwords_bg.wasm" }));
  return passwords.then(
    () => globalThis.sottoAnswerPasswords(question),
    (error) => {
      passwords = null;
      throw error;
    },
  );
};

init({ module_or_path: "/worker_bg.wasm" }).catch((error) => {
  setTimeout(() => {
    throw error;
  });
});
