"""What `make bench` measures, by name."""

from tests.bench import (
    archives,
    browser,
    evening,
    growth,
    intake,
    library,
    queue,
    starting,
    thumbnails,
    vendor,
    writers,
)

CASES = {
    "library": library.measure,
    "thumbnails": thumbnails.measure,
    "intake": intake.measure,
    "vendor": vendor.measure,
    "queue": queue.measure,
    "growth": growth.measure,
    "writers": writers.measure,
    "evening": evening.measure,
    "archives": archives.measure,
    "starting": starting.measure,
    "browser": browser.measure,
}
