"""Pages that stand alone, with their style inside: for when database or connection are away."""

import hashlib
import re
from base64 import b64encode

STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def policy(page: str) -> str:
    """The Content-Security-Policy of such a page: its first style, named by hash, and nothing else."""
    digests = [hashlib.sha256(style.encode()).digest() for style in STYLE.findall(page)[:1]]
    named = [f"'sha256-{b64encode(digest).decode()}'" for digest in digests]
    return f"{NOTHING}; style-src {' '.join(named)}"
