"""Requests to this process: how many, how they were answered, how long Django took. Counted, not kept."""

import threading
import time
from bisect import bisect_left
from collections import Counter, defaultdict

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds
SURFACES = {"api": "api", "admin": "admin", "health": "operations", "metrics": "operations"}

_lock = threading.Lock()
requests: Counter[tuple[str, str, int]] = Counter()  # by surface, method, status
within: dict[str, list[int]] = {}  # by surface: answers in each bucket, and beyond the last
seconds: defaultdict[str, float] = defaultdict(float)  # by surface


class TrafficMiddleware:
    """Count the request when it is answered."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        began = time.perf_counter()
        response = self.get_response(request)
        note(request.path_info, request.method, response.status_code, time.perf_counter() - began)
        return response


def note(path: str, method: str, status: int, took: float) -> None:
    surface = SURFACES.get(path.split("/", 2)[1], "pages")
    method = method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} else "other"
    with _lock:
        requests[surface, method, status] += 1
        within.setdefault(surface, [0] * (len(BUCKETS) + 1))[bisect_left(BUCKETS, took)] += 1
        seconds[surface] += took
