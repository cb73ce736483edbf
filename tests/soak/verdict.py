"""Whether an evening went well: goals, and the table of figures."""

from tests.soak.run import Evening
from tests.soak.wire import percentile

GOALS = {"grid": 0.5, "thumbnail": 0.15, "upload": 2.0}  # seconds at the 95th per cent
OTHER_STARTS = 30  # seconds
MEMORY = {"web": 400, "worker": 900}  # MiB
FLAT = {"memory": (1.15, 30), "files": (1.1, 15), "threads": (1.1, 10)}  # growth by a factor, and by a number


def grew(before: float, after: float, field: str) -> bool:
    factor, number = FLAT[field]
    return after > before * factor and after > before + number


def judge(evening: Evening, *, is_long: bool) -> list[str]:
    """What was not met. Latencies and growth are judged only when the evening was long."""
    wrong = [text for text in evening.notes.wrong if not (evening.kills and ": unknown " in text)]
    found = [f"an error: {text}" for text in wrong[:20]]
    found += [f"in the log: {line}" for line in evening.unwanted[:20]]
    found += [
        f"nobody did: {kind}"
        for kind in (*GOALS, "generation", "import")
        if not evening.notes.times.get(kind)
    ]
    if evening.counts["under_way"] or evening.counts["tasks"]:
        found.append(f"work is left: {evening.counts}")
    found += _bought(evening)
    found += [f"check_storage: {line}" for line in evening.storage[:20]]
    if evening.status:
        found.append(f"the server ended with status {evening.status}")
    for name, limit in MEMORY.items():
        peak = max(evening.watch.peak(name, "memory"), evening.storm.peak(name, "memory"))
        if peak > limit:
            found.append(f"{name} took {peak:.0f} MiB")
    found += _drowned(evening)
    return found + (_slow(evening) + _growing(evening) if is_long else [])


def _bought(evening: Evening) -> list[str]:
    """One request for each generation. Of those that a killed worker had under way nobody can say."""
    ends = evening.counts["generations"]
    found = [f"{evening.doubled} requests were sent twice"] if evening.doubled else []
    asked, unsure = sum(ends.values()), ends.get("unknown", 0)
    if not asked - unsure <= evening.posts <= asked or (unsure and not evening.kills):
        found.append(f"{evening.posts} requests reached the vendor for {ends}")
    return found + ([f"{set(ends)}"] if set(ends) - {"done", "unknown"} else [])


def _drowned(evening: Evening) -> list[str]:
    flood, found = evening.flood, []
    if set(flood.answers) - {202, 429} or flood.impolite:
        found.append(f"the flood was answered {flood.answers}, {flood.impolite} without a reason")
    if flood.other_started is None or flood.other_started > OTHER_STARTS:
        found.append(f"the other person waited {flood.other_started} s")
    return found


def _slow(evening: Evening) -> list[str]:
    times = {kind: percentile(values, 0.95) for kind, values in evening.notes.times.items() if values}
    late = {kind: times[kind] for kind in GOALS if kind in times and times[kind] > GOALS[kind]}
    return [f"{kind}: p95 {seconds * 1000:.0f} ms" for kind, seconds in late.items()]


def _growing(evening: Evening) -> list[str]:
    found = []
    for name in MEMORY:
        for field in FLAT:
            before, after = evening.watch.growth(name, field)
            if grew(before, after, field):
                found.append(f"{field} of {name} grew from {before:.0f} to {after:.0f}")
    return found


def table(evening: Evening) -> str:
    lines = evening.notes.table()
    lines += [
        "",
        "| process | memory, second quarter and last | peak | descriptors | threads |",
        "|---|---|---|---|---|",
    ]
    for name in MEMORY:
        facts = {field: "{:.0f} → {:.0f}".format(*evening.watch.growth(name, field)) for field in FLAT}
        peak = f"{evening.watch.peak(name, 'memory'):.0f} MiB"
        lines.append(f"| {name} | {facts['memory']} MiB | {peak} | {facts['files']} | {facts['threads']} |")
    flood = evening.flood
    lines += [
        "",
        f"{flood.answers.total()} requests of one person in {flood.seconds:.1f} s: {dict(flood.answers)}. ",
    ]
    peaks = (f"{name} {evening.storm.peak(name, 'memory'):.0f} MiB" for name in MEMORY)
    lines[-1] += f"Peaks: {', '.join(peaks)}. The other person's was sent after {flood.other_started} s."
    lines += ["", f"{evening.counts}, {evening.posts} requests at the vendor, {evening.cpu:.0f} % CPU", ""]
    return "\n".join(lines)
