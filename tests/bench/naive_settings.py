"""The product's settings, with the page beside it that a first version would have."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.library.naive"
