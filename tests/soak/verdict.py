"""Whether an evening went well: goals, and the table of figures."""

from tests.soak.run import Evening
from tests.soak.wire import percentile

GOALS = {"grid": 0.5, "thumbnail": 0.15, "upload": 2.0}  # seconds at the 95th per cent
OTHER_STARTS = 30  # seconds
RECOVERED = 60  # seconds, and with the vendor's own: a lease, and a round of housekeeping
MEMORY = {"web": 400, "worker": 900}  # MiB
FLAT = {"memory": (1.15, 30), "files": (1.1, 15), "threads": (1.1, 10)}  # growth by a factor, and by a number


def grew(before: float, after: float, field: str) -> bool:
    factor, number = FLAT[field]
    return after > before * factor and after > before + number


def judge(evening: Evening, *, is_long: bool) -> list[str]:
    """What was not met. Growth is judged only when the evening was long; latencies as well, on one machine.

    With several, all of them share this one with nginx, the store and the database.
    """
    found = [f"an error: {text}" for text in evening.notes.wrong[:20]]
    found += [f"in the log: {line}" for line in evening.unwanted[:20]]
    found += [
        f"nobody did: {kind}"
        for kind in (*GOALS, "generation", "import")
        if not evening.notes.times.get(kind)
    ]
    if evening.counts["under_way"] or evening.counts["tasks"]:
        found.append(f"work is left: {evening.counts}")
    if evening.recovered > RECOVERED + evening.delay:
        found.append(f"work was left for {evening.recovered:.0f} s")
    found += evening.broken
    found += [f"ended by itself: {line}" for line in evening.deaths]
    found += [f"check_storage: {line}" for line in evening.storage[:20]]
    if evening.status:
        found.append(f"the server ended with status {evening.status}")
    for name, limit in MEMORY.items():
        peak = max(watch.peak(name, "memory") for watch in (evening.watch, evening.storm))
        if peak > limit:
            found.append(f"{name} took {peak:.0f} MiB")
    found += _drowned(evening)
    if is_long:
        found += _growing(evening) + ([] if evening.trouble else _slow(evening))
    return found


def _drowned(evening: Evening) -> list[str]:
    flood, found = evening.flood, []
    if flood is None:
        return []
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
    for name in ["web"] if evening.trouble else MEMORY:  # a worker that is killed begins anew
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
    lines += ["", *_flooded(evening), *_disturbed(evening)]
    lines += [f"{evening.counts}, {evening.posts} requests at the vendor, {evening.cpu:.0f} % CPU", ""]
    return "\n".join(lines)


def _flooded(evening: Evening) -> list[str]:
    flood = evening.flood
    if flood is None:
        return []
    peaks = ", ".join(f"{name} {evening.storm.peak(name, 'memory'):.0f} MiB" for name in MEMORY)
    poured = (
        f"{flood.answers.total()} requests of one person in {flood.seconds:.1f} s: {dict(flood.answers)}."
    )
    return [f"{poured} Peaks: {peaks}. The other person's was sent after {flood.other_started} s.", ""]


def _disturbed(evening: Evening) -> list[str]:
    if not evening.trouble:
        return []
    waited = f"Of what was under way at a kill the last was ready after {evening.longest_wait:.0f} s."
    done = f"All was done {evening.recovered:.0f} s after the end."
    return [f"{', '.join(evening.trouble)}. {waited} {done}", ""]
