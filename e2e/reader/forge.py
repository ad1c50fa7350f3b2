"""What a member can try who works together with the host: signs with a real device of theirs what the rules forbid, and puts
it past the relay into its database. Prints a line for each try, with what the reader says of it, or `holds`.

    forge.py URL DATABASE MEMBER READER < their passwords, a line each
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from codec import DoesNotHold
from crypto import CURVE, H, HPKE, KDF, ORDER, key_id, label, lp, number, point, seal, sign
from logs import MAIN
from reader import Reader, Relay, b64, padded

url, database, *handles = sys.argv[1:]
member, victim = (Reader(Relay(url), handle, sys.stdin.readline().rstrip("\n")) for handle in handles)
db = sqlite3.connect(database, timeout=30, isolation_level=None)
dk_id = key_id(point(member.device))
me, you = member.me.user_id, victim.me.user_id
cleo = next(bytes(row[0]) for row in db.execute("SELECT user_id FROM users WHERE handle = 'cleo'"))


def stands(reader: Reader) -> Any:
    """The room with the longest log: the group."""
    return max(reader.relay.rooms(), key=lambda room: int(room["seq"]))


def entry(body: bytes, **wrong: bytes) -> bytes:
    fields = {"room": room.room_id, "seq": number(len(room.hashes), 8), "prev": room.hashes[-1], "actor": me, "dk": dk_id} | wrong
    encoded = b"\x02\x02\x01" + fields["room"] + fields["seq"] + fields["prev"] + number(int(time.time() * 1000), 8) + fields["actor"] + fields["dk"] + body
    return lp(encoded) + sign(member.device, "room-log", encoded)


def ref(user_id: bytes, back: int = 0) -> bytes:
    points = member.person(user_id).points
    return user_id + number(len(points) - 1 - back, 8) + points[-1 - back][0]


def message(text: str, **wrong: bytes) -> tuple[bytes, bytes]:
    n, lane, seen = len(room.epochs), os.urandom(8), len(transcript) - 1
    header = b"\x04\x01\x01" + number(1, 2) + b"\1" + room.room_id + MAIN + number(n, 4) + os.urandom(16) + b"\0" + bytes(32)
    fields = {
        "header": H("header", header),
        "user": me,
        "dk": dk_id,
        "lane": lane,
        "ctr": number(1, 8),
        "prev": H("lane", dk_id + lane),
        "log": number(len(room.hashes) - 1, 8) + room.hashes[-1],
        "seen": number(seen, 8) + transcript[seen],
        "ts": number(int(time.time() * 1000), 8),
        "body": b"\1" + lp(text.encode()),
    }
    content = b"\x04\x02\x01" + b"".join((fields | {k: v for k, v in wrong.items() if k in fields}).values())
    signature = wrong.get("sig") or sign(member.device, wrong.get("label", b"msg").decode(), content)
    if "high" in wrong:
        signature = signature[:32] + number(ORDER - int.from_bytes(signature[32:], "big"), 32)
    plain = lp(content) + signature
    plain += (bytes(padded(len(plain)) - len(plain) - 1) + wrong.get("pad", b"\0"))[: padded(len(plain)) - len(plain)]
    key = KDF(keys[n], "msg-key", room.room_id + MAIN)
    return header, seal(key, "sealed-msg", header, plain, os.urandom(24))


def verdict(what: str) -> None:
    """What the reader makes of the room now; then all is as it was before."""
    victim.people.clear()
    try:
        _, rows = victim.room(stands(victim))
        print(f"{what}: holds, {rows[-1].text}")
    except DoesNotHold as error:
        print(f"{what}: {error}")


def try_entry(what: str, blob: bytes) -> None:
    at, head = len(room.hashes), H("entry", blob[4:-64])
    db.execute("INSERT INTO room_log (room_id, seq, entry) VALUES (?, ?, ?)", (room.room_id, at, blob))
    db.execute("UPDATE rooms SET head_seq = ?, head = ? WHERE room_id = ?", (at, head, room.room_id))
    verdict(what)
    db.execute("DELETE FROM room_log WHERE room_id = ? AND seq = ?", (room.room_id, at))
    db.execute("UPDATE rooms SET head_seq = ?, head = ? WHERE room_id = ?", (at - 1, room.hashes[-1], room.room_id))


def try_message(what: str, header: bytes, envelope: bytes) -> None:
    at, envelope_hash = len(transcript), H("env", header + envelope)
    t = H("t", transcript[-1] + number(at, 8) + envelope_hash)
    row = (room.room_id, MAIN, at, os.urandom(16), header, envelope, envelope_hash, t)
    db.execute("INSERT INTO messages (room_id, channel, seq, msg_id, header, envelope, envelope_hash, t) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    db.execute("UPDATE channels SET seq = ?, t = ? WHERE room_id = ?", (at, t, room.room_id))
    verdict(what)
    db.execute("DELETE FROM messages WHERE room_id = ? AND seq = ?", (room.room_id, at))
    db.execute("UPDATE channels SET seq = ?, t = ? WHERE room_id = ?", (at - 1, transcript[-1], room.room_id))


def try_wrap(what: str, secret: bytes) -> None:
    """A wrap of another key, made for the reader by the book."""
    epoch, theirs = room.epochs[-1], room.members[you].view
    info = label("wrap") + b"\x03\x01\x01" + room.room_id + MAIN + number(epoch.n, 4) + you + number(theirs.g, 4) + epoch.commit
    wrapped = HPKE.encrypt(secret, ec.EllipticCurvePublicKey.from_encoded_point(CURVE, theirs.kk), info)
    row = "room_id = ? AND user_id = ? AND n = ?", (room.room_id, you, epoch.n)
    before = db.execute(f"SELECT enc, ct FROM wraps WHERE {row[0]}", row[1]).fetchone()
    db.execute(f"UPDATE wraps SET enc = ?, ct = ? WHERE {row[0]}", (wrapped[:65], wrapped[65:], *row[1]))
    verdict(what)
    db.execute(f"UPDATE wraps SET enc = ?, ct = ? WHERE {row[0]}", (*before, *row[1]))


# The member's new device becomes known to the room, honestly.
room = member.log(stands(member))
member.relay.ask("rooms/append", room_id=b64(room.room_id), entries=[b64(entry(b"\x09" + ref(me) + b"\0\0"))], wraps=[])
room = member.log(stands(member))
keys = member.keys(room)
member.room(stands(member))
transcript = member.transcript
roster = b"".join(user + number(m.view.g, 4) + m.view.kk for user, m in sorted(room.members.items()))
fresh, n = os.urandom(32), len(room.epochs) + 1


def epoch(n: int, roster_hash: bytes) -> bytes:
    commit = KDF(fresh, "commit", room.room_id + number(n, 4) + room.hashes[-1] + roster_hash)
    return b"\x08" + number(n, 4) + number(1, 2) + commit + roster_hash + b"\2" + lp(bytes(104))


try_entry("an addition within the rules", entry(b"\1" + ref(cleo) + b"\1"))
try_entry("an addition as owner", entry(b"\1" + ref(cleo) + b"\3"))
try_entry("an addition with an invented log", entry(b"\1" + ref(cleo)[:-32] + bytes(32) + b"\1"))
try_entry("an addition of who is there", entry(b"\1" + ref(you) + b"\1"))
try_entry("making oneself owner", entry(b"\5" + me + b"\3"))
try_entry("removing the owner", entry(b"\3" + you + b"\0" + b"\0\0"))
try_entry("a new name", entry(b"\7" + number(n - 1, 4) + lp(bytes(100))))
try_entry("closing the room", entry(b"\x0a"))
try_entry("a room key for fewer people", entry(epoch(n, H("roster", roster[101:]))))
try_entry("a room key out of turn", entry(epoch(n + 1, H("roster", roster))))
try_entry("a room key without wraps", entry(epoch(n, H("roster", roster))))
try_entry("a view that goes back", entry(b"\x09" + ref(you, back=1) + b"\0\0"))
try_entry("a cut without a revoked device", entry(b"\x09" + ref(you) + b"\0\1" + MAIN + number(1, 8) + transcript[1]))
try_entry("an entry that forks the log", entry(b"\2", prev=room.hashes[-2]))
try_entry("an entry of another room", entry(b"\2", room=os.urandom(32)))
try_entry("an entry in another's name", entry(b"\2", actor=you))
try_entry("an entry with bytes behind it", entry(b"\2\0"))

try_wrap("the room key, wrapped once more", keys[n - 1])
try_wrap("another room key than everybody else's", fresh)

try_message("a message within the rules", *message("within"))
try_message("a message in another's name", *message("x", user=you))
try_message("a message with another's device", *message("x", user=you, dk=next(d for u, d in room.authors[-1] if u == you)))
try_message("a message for another header", *message("x", header=os.urandom(32)))
try_message("a message with the other form of its signature", *message("x", high=b"1"))
try_message("a message signed for something else", *message("x", label=b"room-log"))
try_message("a message of another log", *message("x", log=number(len(room.hashes) - 1, 8) + bytes(32)))
try_message("a message before its author came", *message("x", log=number(0, 8) + room.hashes[0]))
try_message("a message by who saw another history", *message("x", seen=number(1, 8) + bytes(32)))
try_message("a message by who saw the future", *message("x", seen=number(len(transcript), 8) + bytes(32)))
try_message("a message after one that is missing", *message("x", ctr=number(2, 8)))
try_message("a lane that begins elsewhere", *message("x", prev=bytes(32)))
try_message("a message with dirt in its padding", *message("x", pad=b"1"))
try_message("a message that is not text", *message("x", body=b"\1" + lp(b"\xff")))
try_message("a message of a kind to come", *message("x", body=b"\xc8anything"))
