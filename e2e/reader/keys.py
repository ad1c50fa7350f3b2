"""Prints what the password of an account opens, for a test that looks whether a browser still holds it:

    keys.py URL HANDLE < the password

One line of JSON: the day key and the KEM private keys, in hexadecimal.
"""

from __future__ import annotations

import json
import sys

from reader import Relay, sign_in

url, handle = sys.argv[1:]
sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
_, _, vault, _ = sign_in(Relay(url), handle, sys.stdin.read().splitlines()[0])
keys = {"day key": vault.dvk.hex()}
for g, key in enumerate(vault.kem, 1):
    keys[f"KEM key {g}"] = key.private_numbers().private_value.to_bytes(32, "big").hex()
print(json.dumps(keys))
