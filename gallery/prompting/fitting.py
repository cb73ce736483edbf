"""Making a prompt fit a model: shorter wordings first, then whole ones left out, and never in silence."""

from collections.abc import Iterable, Sequence

from gallery.prompting.parts import Part, Wording


def length(parts: Iterable[Part]) -> int:
    return sum(len(piece.text) for part in parts for piece in part.pieces())


def fit(parts: Sequence[Part], wordings: Sequence[Wording], limit: int | None) -> None:
    """Shorten `wordings` until `parts` have at most `limit` characters, or nothing is left to shorten.

    `wordings` come in the order of their importance. The longest is shortened first, so that several people
    keep about as much each; what does not fit at its shortest is left out from the end.
    """
    if limit is None:
        return
    over = length(parts) - limit
    while over > 0 and (longest := max((w for w in wordings if w.can_shrink), key=_length, default=None)):
        longest.at += 1
        over = length(parts) - limit
    for wording in reversed(wordings):
        if length(parts) <= limit:
            break
        wording.dropped = True
    _give_back(parts, wordings, limit)


def _length(wording: Wording) -> int:
    return len(wording.text)


def _give_back(parts: Sequence[Part], wordings: Sequence[Wording], limit: int) -> None:
    """Use room that leaving something out made: in again, and longer, while it fits."""
    for wording in wordings:
        for at in range(len(wording.texts)):
            before = wording.at, wording.dropped
            if not before[1] and at >= before[0]:
                break
            wording.at, wording.dropped = at, False
            if length(parts) <= limit:
                break
            wording.at, wording.dropped = before
