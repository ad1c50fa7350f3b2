"""A message as a member seals it (protocol §8), for what plays a member. `wrong` are fields that are to be other ones."""

from __future__ import annotations

import os
import time

from crypto import H, KDF, ORDER, key_id, lp, number, point, seal, sign
from logs import MAIN, Person
from reader import Reader, padded


def now() -> bytes:
    return number(int(time.time() * 1000), 8)


def device_id(by: Reader) -> bytes:
    return key_id(point(by.device))


def ref(person: Person, back: int = 0) -> bytes:
    seq = len(person.points) - 1 - back
    return person.user_id + number(seq, 8) + person.points[seq][0]


def hash_of(header: bytes, envelope: bytes) -> bytes:
    return H("env", header + envelope)


def letter(by: Reader, room_id: bytes, epoch: int, secret: bytes, **wrong: bytes) -> tuple[bytes, bytes]:
    """Header and envelope. `log`, `seen` and `body` are always to be given."""
    lane = wrong.get("lane", os.urandom(8))
    header = (
        b"\x04\x01\x01\0\1\1"
        + wrong.get("room", room_id)
        + MAIN
        + wrong.get("n", number(epoch, 4))
        + wrong.get("id", os.urandom(16))
        + b"\0"
        + bytes(32)
    )
    right = {
        "header": H("header", header),
        "user": by.me.user_id,
        "dk": device_id(by),
        "lane": lane,
        "ctr": number(1, 8),
        "prev": H("lane", device_id(by) + lane),
        "log": b"",
        "seen": b"",
        "ts": now(),
        "body": b"",
    }
    content = b"\x04\x02\x01" + b"".join((right | {name: wrong[name] for name in right if name in wrong}).values())
    signature = sign(by.device, wrong.get("label", b"msg").decode(), content)
    if "high" in wrong:
        signature = signature[:32] + number(ORDER - int.from_bytes(signature[32:], "big"), 32)
    used = lp(content) + signature
    padding = bytes(padded(len(used)) - len(used) - 1) + wrong.get("pad", b"\0")
    key = KDF(secret, "msg-key", room_id + MAIN)
    envelope = bytearray(seal(key, "sealed-msg", header, used + padding, os.urandom(24)))
    envelope[30] ^= "commitment" in wrong
    return header, bytes(envelope)
