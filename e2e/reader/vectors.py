"""Reads the frozen space of shared/tests/vectors/spaces.json as bob, with the log, the keys and the checks of the reader:

    vectors.py          prints what reader.py would print of it
    vectors.py bent     changes one byte of every entry, key, header and envelope, and of the log of everybody, one at a time;
                        prints how many changes there were, and those that were believed

No relay takes part: what one would hand out stands in the file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from codec import DoesNotHold
from crypto import H, number, private_key
from logs import MAIN, Person
from reader import Reader, Row, b64, printable, unb64

FILE = Path(__file__).parents[2] / "shared/tests/vectors/spaces.json"
REALM = "sotto.test"
Cases = dict[str, bytes]


class Frozen:
    """In the place of a relay."""

    def __init__(self, cases: Cases) -> None:
        self.cases = cases
        self.channels = [name.split(".")[1] for name in cases if name.startswith("channel.") and name.endswith(".id")]

    def numbered(self, name: str, first: int = 1, behind: str = "") -> list[bytes]:
        found: list[bytes] = []
        while (entry := self.cases.get(f"{name}.{first + len(found)}{behind}")) is not None:
            found.append(entry)
        return found

    def messages(self, channel: str) -> list[tuple[bytes, bytes]]:
        of = f"channel.{channel}"
        return list(zip(self.numbered(of, behind=".header"), self.numbered(of, behind=".envelope"), strict=True))

    def place(self, channel: str, seq: int) -> dict[str, Any]:
        t = H("t0", self.cases["space.id"] + self.cases[f"channel.{channel}.id"])
        for k, (header, envelope) in enumerate(self.messages(channel)[:seq], start=1):
            t = H("t", t + number(k, 8) + H("env", header + envelope))
        return {"channel": b64(self.cases[f"channel.{channel}.id"]), "seq": seq, "t": b64(t)}

    def announced(self, channel: str) -> dict[str, Any]:
        end = b64(self.cases[f"channel.{channel}.transcript"])
        return {"channel": b64(self.cases[f"channel.{channel}.id"]), "seq": len(self.messages(channel)), "t": end}

    def person(self, user_id: bytes) -> dict[str, Any]:
        name = next(name for name in ("alice", "bob", "carol") if self.cases[f"{name}.id"] == user_id)
        entries = [b64(entry) for entry in self.numbered(f"{name}.entry")]
        return {"user_id": b64(user_id), "handle": name, "genesis": b64(self.cases[f"{name}.genesis"]), "entries": entries}

    def wrap(self, which: str) -> dict[str, Any]:
        channel = MAIN if which == "main.1" else self.cases["channel.den.id"]
        enc, ct = (b64(self.cases[f"wrap.{which}.{part}"]) for part in ("enc", "ct"))
        return {"channel": b64(channel), "n": int(which[-1]), "g": 1, "user_id": b64(self.cases["bob.id"]), "enc": enc, "ct": ct}

    def ask(self, path: str, **body: Any) -> Any:
        if path == "users/logs":
            return {"logs": [self.person(unb64(user["user_id"])) for user in body["users"]]}
        if path == "rooms/wraps":
            return {"wraps": [self.wrap(which) for which in ("main.1", "den.1", "den.2")]}
        if path == "rooms/log":
            entries = self.numbered("space.entry", 0)
            return {"entries": [b64(entry) for entry in entries[body["from_seq"] :]], "seq": len(entries) - 1}
        channel = next(name for name in self.channels if self.cases[f"channel.{name}.id"] == unb64(body["channel"]))
        after = body["from"]["after"]
        all_of_it = [
            {"seq": seq, "header": b64(header), "envelope": b64(envelope)}
            for seq, (header, envelope) in enumerate(self.messages(channel), start=1)
        ]
        return {"before": self.place(channel, after), "messages": all_of_it[after:], "head": self.place(channel, len(all_of_it))}

    def read(self) -> list[tuple[str, list[Row]]]:
        reader: Any = Reader.__new__(Reader)
        reader.relay, reader.realm, reader.people = self, REALM, {}
        reader.me = Person(self.cases["bob.id"], "bob", REALM, self.cases["bob.genesis"], self.numbered("bob.entry"))
        reader.vault = SimpleNamespace(pins={}, kem=[private_key("5", "bob's KEM key", self.cases["bob.kem.1"])])
        stands = {
            "room_id": b64(self.cases["space.id"]),
            "seq": len(self.numbered("space.entry", 0)) - 1,
            "head": b64(self.cases["space.head"]),
            "channels": [self.announced(name) for name in self.channels],
        }
        found: list[tuple[str, list[Row]]] = reader.conversations(stands)
        return found


def bent(cases: Cases) -> int:
    """What is said of the file besides, keys that follow from others among it, is no part of what a relay hands out."""
    of_it = [name for name in cases if not name.endswith((".id", ".secret", ".key", ".info", ".kem.1"))]
    believed = []
    for name in of_it:
        changed = bytearray(cases[name])
        changed[len(changed) // 2] ^= 1
        try:
            Frozen({**cases, name: bytes(changed)}).read()
            believed.append(name)
        except DoesNotHold:
            pass
    print(f"{len(of_it)} changes, believed: {' '.join(believed) or 'none'}")
    return 1 if believed else 0


def main() -> int:
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    cases = {case["name"]: bytes.fromhex(case["hex"]) for case in json.loads(FILE.read_text())["cases"]}
    if sys.argv[1:] == ["bent"]:
        return bent(cases)
    for title, rows in Frozen(cases).read():
        print(f"room {printable(title)}")
        for row in rows:
            print(f"@{row.author}: {printable(row.text)}")
    return 0


sys.exit(main())
