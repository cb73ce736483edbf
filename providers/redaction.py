"""Secrets taken out of what is written down: keys that this process has used, and whatever looks like one.

Servers repeat keys in error texts, headers and redirects, and libraries in the words of their exceptions.
What a vendor sends is cleaned before it reaches the disk (`masked`), what goes to a log when it is written
(`redact`).
"""

import base64
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from html import escape
from urllib.parse import quote

SHORTEST = 8  # characters; what is shorter stands in too many harmless texts
ENOUGH = (
    12  # characters: a beginning that already tells too much, and the least that no answer holds by chance
)
MOST_KNOWN = 2000
HIDDEN = "[hidden]"

_known: "OrderedDict[str, tuple[str, ...]]" = OrderedDict()
_lock = threading.Lock()

# Keys by their looks: OpenAI, Anthropic, OpenRouter, Google, xAI, and the tokens of this application.
_LOOKS = re.compile(r"\b(?:sk-[\w-]{6,}|AIza[\w-]{10,}|xai-[\w-]{10,}|vig_[\w-]{10,})")
# The value of a header or parameter that holds a secret, in whatever notation it is printed.
_NAMED = re.compile(
    r"""(?ix)
    ( \b (?: (?:proxy-)?authorization | (?:x-(?:goog-)?)?api[-_]?key | (?:set-)?cookie )
      (?: ["'] \s* , | ["']? (?: \s* : | = ) ) \s* b?["']? (?: (?:bearer|basic|token) \s+ )? )
    ( [^\s"',;&<>\[\]]{4,} )"""
)
_BEARER = re.compile(
    r"""(?i)\b(?:(bearer["']?,?\s+["']?)[\w.~+/=-]{8,}|(basic["']?,?\s+["']?)[\w+/=-]{16,})"""
)
# Addresses that are good for whoever has them: ours, those of S3, Google and Azure.
_SIGNED = re.compile(
    r"(?i)([?&;](?:s|sig|signature|token|key|x-(?:amz|goog)-(?:signature|credential|security-token))=)[^&\s\"'<>]+"
)
_LOGIN = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@\"'<>]+@")


def remember(secret: str) -> None:
    """Let `redact` know a secret that was read or typed here."""
    secret = secret.strip()
    if len(secret) < SHORTEST:
        return
    with _lock:
        if secret not in _known:
            _known[secret] = _spellings(secret)
        _known.move_to_end(secret)
        while len(_known) > MOST_KNOWN:
            _known.popitem(last=False)


def redact(text: str, also: Iterable[str] = ()) -> str:
    """`text` without secrets; `also` names some that need not be remembered."""
    with _lock:
        known = list(_known.items())
    known += [(secret, _spellings(secret)) for secret in also if len(secret) >= SHORTEST]
    known.sort(key=lambda one: len(one[0]), reverse=True)  # one that begins another must not leave its end
    for secret, spellings in known:
        for spelling in spellings:
            if spelling in text:  # with what goes on from there: it is a longer one's
                text = re.sub(re.escape(spelling) + r"[\w-]*", HIDDEN, text)
        if len(secret) >= 2 * ENOUGH and secret[:ENOUGH] in text:  # also one that was cut
            text = re.sub(re.escape(secret[:ENOUGH]) + r"[\w-]*", HIDDEN, text)
    text = _LOOKS.sub(HIDDEN, text)
    text = _BEARER.sub(rf"\1\2{HIDDEN}", text)
    text = _NAMED.sub(rf"\1{HIDDEN}", text)
    text = _SIGNED.sub(rf"\1{HIDDEN}", text)
    return _LOGIN.sub(rf"\1{HIDDEN}@", text)


def used_in(texts: Iterable[str]) -> tuple[bytes, ...]:
    """The known secrets that occur in what is sent, in every spelling an answer may repeat them in."""
    sent = "\n".join(texts)
    with _lock:
        used = [spellings for spellings in _known.values() if any(s in sent for s in spellings)]
    return tuple(s.encode() for spellings in used for s in spellings if len(s) >= ENOUGH)


def masked(pieces: Iterable[bytes], secrets: tuple[bytes, ...]) -> Iterator[bytes]:
    """The pieces with stars in place of `secrets`, also of those that two pieces share; no length changes."""
    held = b""
    for piece in pieces:
        text = _starred(held + piece, secrets)
        held = text[len(text) - _open_end(text, secrets) :]
        if ready := text[: len(text) - len(held)]:
            yield ready
    if held:
        yield held


def masked_text(text: str, secrets: tuple[bytes, ...]) -> str:
    return _starred(text.encode("utf-8", "surrogateescape"), secrets).decode("utf-8", "surrogateescape")


def _starred(text: bytes, secrets: tuple[bytes, ...]) -> bytes:
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, b"*" * len(secret))
    return text


def _open_end(text: bytes, secrets: tuple[bytes, ...]) -> int:
    """How many of the last bytes may be the beginning of a secret."""
    longest = 0
    for secret in secrets:
        for size in range(min(len(secret) - 1, len(text)), longest, -1):
            if text.endswith(secret[:size]):
                longest = size
                break
    return longest


def _spellings(secret: str) -> tuple[str, ...]:
    """The secret as it is, in base64, in an address, in JSON, in Python and in HTML; the longest first."""
    name, colon, password = secret.partition(":")
    spelt = {secret, *([password] if colon and len(password) >= SHORTEST else [])}
    doubled = secret.replace("\\", "\\\\")
    spelt |= {doubled.replace('"', '\\"'), doubled.replace("'", "\\'")}
    spelt |= {escape(text) for text in spelt}
    data = secret.encode(errors="surrogatepass")  # JSON can bring halves of characters
    spelt |= {base64.b64encode(data).decode(), quote(data, safe="")}
    return tuple(sorted(spelt, key=len, reverse=True))
