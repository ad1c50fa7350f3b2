// The worker's first file: loads its wasm. What goes wrong here is thrown again outside the promise,
// since only that reaches the page's `onerror`.
import init from "/worker.js";

init({ module_or_path: "/worker_bg.wasm" }).catch((error) => {
  setTimeout(() => {
    throw error;
  });
});
