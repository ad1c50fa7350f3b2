#!/usr/bin/env bash
# The measurements that need a browser. `./dev bench` builds what they need and calls this.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
SOTTO_BENCH=1 node_modules/.bin/playwright test bench.spec.ts --workers 1 --reporter line
