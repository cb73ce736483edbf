"""Who is there: people who browse, upload, generate and import, with the pauses that people make."""

import html
import json
import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.soak import things
from tests.soak.promises import Promises
from tests.soak.wire import Browser, Notes

THUMBNAIL = re.compile(r'"(/media/t/[^" ]+)"')
IMAGE = re.compile(r'"(/images/[0-9a-f-]{36}/)[?"]')
TAG = re.compile(r'"(/(?:characters|tags|chats)/[0-9a-f-]{36}-[^"/]*/)"')
SEARCHES = (
    "rating:>=4",
    "ratio:portrait",
    "is:favourite",
    "date:2026",
    "night",
    "sort:rating",
    "-rating:none",
)
SMALL = 60_000  # bytes of a picture in an archive
SHOWN = 24  # thumbnails that a screen shows before anybody scrolls


@dataclass(frozen=True, kw_only=True)
class Company:
    """How many come, and how much they bring."""

    readers: int = 20
    uploaders: int = 5
    generators: int = 5
    library: int = 250  # pictures in what each reader sees
    photograph: int = 8_000_000  # bytes
    entries: int = 500  # pictures of an archive


SMALL_COMPANY = Company(readers=5, uploaders=2, generators=4, library=60, photograph=1_000_000, entries=60)


class Crowd:
    """Threads that do something again and again until the evening."""

    def __init__(self, port: int, notes: Notes, promises: Promises):
        self.port, self.notes, self.promises = port, notes, promises
        self.over = threading.Event()
        self.threads: list[threading.Thread] = []

    def join(self, person: Callable[[Browser], None], pause: tuple[float, float], **who: str) -> None:
        browser = Browser(self.port, self.notes, **who)
        thread = threading.Thread(target=self._live, args=(person, browser, pause), daemon=True)
        thread.start()
        self.threads.append(thread)

    def _live(self, person, browser: Browser, pause) -> None:
        self.over.wait(random.uniform(0, min(pause[1], 5)))  # not all in the same moment
        while not self.over.is_set():
            browser.visit()
            try:
                person(browser)
            except Exception as exc:  # noqa: BLE001  whatever it is, it goes into the table
                self.notes.complain(f"{person}: {exc!r}")
            self.over.wait(random.uniform(*pause))
        browser.leave()

    def go_home(self, seconds: float) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(seconds)


class Reader:
    """Looks at the gallery, searches, opens tags and pictures. Has a cache, as browsers do."""

    def __init__(self):
        self.seen: set[str] = set()

    def __call__(self, browser: Browser) -> None:
        places = ["/", "/", f"/?q={random.choice(SEARCHES)}", "/characters/", "/tags/", "/queue/"]
        path = random.choice(places) if self.seen else "/"
        kind = {"/": "grid", "/characters/": "tags", "/tags/": "tags", "/queue/": "queue"}.get(path, "search")
        page = self.look(browser, kind, path)
        if links := IMAGE.findall(page):
            self.look(browser, "viewer", random.choice(links))
        if links := TAG.findall(page):
            self.look(browser, "tag page", random.choice(links))

    def look(self, browser: Browser, kind: str, path: str) -> str:
        page = html.unescape((browser.get(kind, path) or b"").decode())
        for address in dict.fromkeys(THUMBNAIL.findall(page)[:SHOWN]):
            if address not in self.seen:
                self.seen.add(address)
                browser.get("thumbnail", address)
        return page


def uploader(crowd: Crowd, photograph: bytes, owner: str):
    def upload(browser: Browser) -> None:
        content = things.another(photograph)
        if browser.send_file("upload", "/add/upload/", "file", "holiday.jpg", content) is not None:
            crowd.promises.kept(owner, content)

    return upload


def generator(crowd: Crowd):
    """Asks for a picture, follows it by events, and looks at the answer."""

    def generate(browser: Browser) -> None:
        wish = {"prompt": f"a lighthouse {random.random()}", "tags": ["character:Mirel", "soak"]}
        made = browser.send_json("generate", "/api/v1/generations", wish)
        if made is None:
            return
        crowd.promises.begun(made["id"])
        path = f"/api/v1/generations/{made['id']}"
        if not browser.listen(path + "/events"):
            crowd.notes.complain(f"the events of {made['id']} broke off")
        browser.visit()
        ended = json.loads(browser.get("generation", path) or b"{}")
        if ended.get("status") not in ("done", "unknown"):  # whether that may be is asked in the end
            crowd.notes.complain(f"generation {made['id']}: {ended.get('status')} {ended.get('error')}")

    return generate


def importer(crowd: Crowd, jpeg: bytes, entries: int, owner: str):
    """Imports an archive and waits until it is in."""

    def bring_in(browser: Browser) -> None:
        pictures = [things.another(jpeg) for _ in range(entries)]
        content = things.archive(pictures)
        answer = browser.send_file("import", "/api/v1/imports", "archive", "holiday.zip", content)
        if answer is None:
            return
        crowd.promises.kept(owner, *pictures)
        path = f"/api/v1/imports/{json.loads(answer)['id']}"
        while not crowd.over.wait(2):
            browser.visit()
            job = json.loads(browser.get("import poll", path) or b"{}")
            if job.get("status") not in ("queued", "running"):
                break
        else:
            return  # the evening has come; the job is waited for by everybody
        if job.get("status") != "done" or job.get("errors"):
            crowd.notes.complain(f"import: {job.get('status')} {job.get('message')} {job.get('errors')}")

    return bring_in


def prober(browser: Browser) -> None:
    """Asks whether all is well, as a monitor does."""
    browser.get("health", "/health/ready")


def invite(crowd: Crowd, who: dict, company: Company) -> None:
    photograph, small = things.photograph(company.photograph), things.photograph(SMALL)
    for number in range(company.readers):
        session = who["sessions"][number % len(who["sessions"])]
        crowd.join(Reader(), (3, 9), session=session)
    for number in range(company.uploaders):
        person = uploader(crowd, photograph, f"writer-{number}")
        crowd.join(person, (6, 14), session=who["writers"][number])
    for number in range(company.generators):
        crowd.join(generator(crowd), (2, 6), token=who["tokens"][5 + number])
    person = importer(crowd, small, company.entries, "writer-10")
    crowd.join(person, (20, 30), token=who["tokens"][10])
    crowd.join(prober, (1, 1))
