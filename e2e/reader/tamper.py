"""What a dishonest host can do with the database: copies a relay's SQLite file and changes the copy.

    tamper.py FROM TO STATEMENT…        each that changes rows must change some

In the statements, `flip(blob, at)` changes one byte, counted from the front, or from the end if negative; `entry_hash(blob)`
is the head of a room log that ends with that entry. `RETELL` as a statement numbers the messages again and makes hashes and
transcripts fit what is there now, as a careful liar would.
"""

import sqlite3
import sys

from crypto import H, number


def flip(blob: bytes, at: int) -> bytes:
    changed = bytearray(blob)
    changed[at] ^= 1
    return bytes(changed)


def retell(db: sqlite3.Connection) -> int:
    for room_id, channel in db.execute("SELECT room_id, channel FROM channels").fetchall():
        here = "WHERE room_id = ? AND channel = ?"
        t, seq = H("t0", room_id + channel), 0
        messages = db.execute(f"SELECT seq, header, envelope FROM messages {here} ORDER BY seq", (room_id, channel)).fetchall()
        for seq, (was, header, envelope) in enumerate(messages, start=1):
            envelope_hash = H("env", header + envelope)
            t = H("t", t + number(seq, 8) + envelope_hash)
            place = (seq, envelope_hash, t, room_id, channel, was)
            db.execute(f"UPDATE messages SET seq = ?, envelope_hash = ?, t = ? {here} AND seq = ?", place)
        db.execute(f"UPDATE channels SET seq = ?, t = ? {here}", (seq, t, room_id, channel))
    return 1


def main() -> None:
    source, target, *statements = sys.argv[1:]
    db = sqlite3.connect(target)
    sqlite3.connect(f"file:{source}?mode=ro", uri=True).backup(db)
    db.create_function("flip", 2, flip)
    db.create_function("entry_hash", 1, lambda blob: H("entry", blob[4:-64]))
    for statement in statements:
        changed = retell(db) if statement == "RETELL" else db.execute(statement).rowcount
        if changed == 0:
            sys.exit(f"This changed nothing: {statement}")
    db.commit()


main()
