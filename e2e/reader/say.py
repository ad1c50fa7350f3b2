"""Says about messages what the page's own people may say, from one more browser of an account:

    say.py URL HANDLE TITLE < the password, then a line for each

    edit 3 another text     react 3 👍     unreact 3 👍     delete 3     redact 3     let-go 3

The number is that of the message in the room. `let-go` has the relay empty a message of this account (protocol §8).
"""

from __future__ import annotations

import json
import sys

from websockets.sync.client import connect

import codec
from crypto import H, KDF, lp, number, sign
from letter import device_id, hash_of, letter, now, ref
from logs import MAIN
from reader import Reader, Relay, b64, unb64

url, handle, title = sys.argv[1:]
sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
password, *lines = sys.stdin.read().splitlines()
relay = Relay(url)
reader = Reader(relay, handle, password)
stands = next(stands for stands in relay.rooms() if reader.room(stands)[0] == title)
room = reader.log(stands)
keys = reader.keys(room)
reader.messages(room, keys, stands["channels"][0])
page = relay.ask("messages/page", room_id=b64(room.room_id), channel=b64(MAIN), **{"from": {"after": 0}}, limit=200)
told = [(unb64(message["header"]), unb64(message["envelope"])) for message in page["messages"]]
hashes = list(room.hashes)


def append(body: bytes) -> None:
    entry = b"\x02\x02\x01" + room.room_id + number(len(hashes), 8) + hashes[-1] + now() + reader.me.user_id + device_id(reader) + body
    signed = lp(entry) + sign(reader.device, "room-log", entry)
    relay.ask("rooms/append", room_id=b64(room.room_id), entries=[b64(signed)], wraps=[])
    hashes.append(H("entry", entry))


def let_go(header: bytes) -> None:
    msg_id = codec.header(header).msg_id
    secret = KDF(KDF(reader.vault.dvk, "delete-key"), "del", msg_id)
    relay.ask("messages/delete", room_id=b64(room.room_id), channel=b64(MAIN), msg_id=b64(msg_id), del_secret=b64(secret))


append(b"\x09" + ref(reader.me) + b"\0\0")
with connect(f"ws{relay.url.removeprefix('http')}/api/v1/live", max_size=None) as socket:
    socket.send(json.dumps({"type": "hello", "token": relay.token, "api": 1}))
    for line in lines:
        what, place, *rest = line.split(" ", 2)
        header, envelope = told[int(place) - 1]
        target, words = hash_of(header, envelope), lp("".join(rest).encode())
        if what == "redact":
            append(b"\x14" + target + b"\0\0")
            continue
        if what == "let-go":
            let_go(header)
            continue
        bodies = {
            "edit": b"\3" + target + words,
            "delete": b"\4" + target + b"\0\0",
            "react": b"\5" + target + words + b"\1",
            "unreact": b"\5" + target + words + b"\0",
        }
        n, seen = len(room.epochs), len(reader.transcript) - 1
        sealed = letter(
            reader,
            room.room_id,
            n,
            keys[n],
            log=number(len(hashes) - 1, 8) + hashes[-1],
            seen=number(seen, 8) + reader.transcript[seen],
            body=bodies[what],
        )
        message = {"header": b64(sealed[0]), "envelope": b64(sealed[1])}
        socket.send(json.dumps({"type": "send", "messages": [message]}))
        while True:
            frame = json.loads(socket.recv(timeout=30))
            if frame["type"] in ("refused", "bye"):
                sys.exit(f"{line}: the relay refuses it: {frame['code']}")
            if frame["type"] == "message" and frame["message"]["envelope"] == message["envelope"]:
                break
relay.ask("session/end")
