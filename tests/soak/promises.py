"""What people were told, against what is there in the end: each picture once, each request sent once."""

import hashlib
import threading
from collections import Counter
from dataclasses import dataclass, field

SHOWN = 10  # findings of one kind


@dataclass(frozen=True, kw_only=True)
class Kill:
    """A worker that was ended at once."""

    moment: float
    place: str  # as its rows call it


@dataclass
class Promises:
    """Noted by those who were told."""

    pictures: list[tuple[str, str]] = field(default_factory=list)  # owner, SHA-256
    generations: set[str] = field(default_factory=set)  # public ids
    lock: threading.Lock = field(default_factory=threading.Lock)

    def kept(self, owner: str, *contents: bytes) -> None:
        """These bytes were taken, or will be."""
        told = [(owner, hashlib.sha256(content).hexdigest()) for content in contents]
        with self.lock:
            self.pictures += told

    def begun(self, generation: str) -> None:
        with self.lock:
            self.generations.add(generation)


def broken(promises: Promises, rows: dict, vendor, kills: list[Kill]) -> list[str]:
    """What of all that is not so. `rows` come from `tests.soak.rows ledger`."""
    there = Counter((owner, sha256) for owner, sha256 in rows["images"])
    told = set(promises.pictures)
    found = {
        "pictures are lost": [key for key in told if key not in there],
        "pictures are there twice": [key for key, number in there.items() if number > 1],
        "generations are lost": list(promises.generations - {row["id"] for row in rows["generations"]}),
    }
    for row in rows["generations"]:
        if why := _wrong_with(row, vendor, kills):
            found.setdefault(f"generations {why}", []).append(row)
    return [f"{len(rows)} {what}: {rows[:SHOWN]}" for what, rows in found.items() if rows]


def _wrong_with(row: dict, vendor, kills: list[Kill]) -> str:
    posts = vendor.posts_of(row["prompt"])
    if row["status"] == "unknown":
        if not any(_died_with(call, kill) for call in row["calls"] for kill in kills):
            return "are unknown that no worker died with"
        return "were sent twice" if posts > 1 else ""
    if row["status"] != "done":
        return f"ended as {row['status']}"
    if posts != 1:
        return f"were sent {posts} times"
    return "" if row["images"] == vendor.sent_for(row["prompt"]) else "have other pictures than were sent"


def _died_with(call: dict, kill: Kill) -> bool:
    """Whether the worker that had sent the call was killed before the answer was there."""
    return call["place"] == kill.place and call["sent_at"] <= kill.moment <= call["finished_at"]


def longest_wait(rows: dict, kills: list[Kill]) -> float:
    """Seconds from a kill to the end of the last generation that was under way at that moment."""
    spans = [(row["created_at"], row["finished_at"]) for row in rows["generations"]]
    waits = [end - kill.moment for kill in kills for begun, end in spans if begun <= kill.moment <= end]
    return max(waits, default=0.0)
