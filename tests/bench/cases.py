"""What `make bench` measures, by name."""

from tests.bench import archives, browser, intake, library, queue, thumbnails, vendor

CASES = {
    "queue": queue.measure,
    "intake": intake.measure,
    "vendor": vendor.measure,
    "library": library.measure,
    "thumbnails": thumbnails.measure,
    "archives": archives.measure,
    "browser": browser.measure,
}
