"""What a person has selected in the grid, and what is to be done to it."""

import uuid
from functools import cached_property

from django import forms
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext

from gallery import bulk, tagging
from gallery.bulk import BulkError, Selection
from gallery.language.wording import gettext_lazy
from gallery.models import BulkAction, Tag

Action = BulkAction.Action
# value of the button that was pressed: the action and its value
BUTTONS: dict[str, tuple[Action, int | bool | None]] = {
    "tag": (Action.TAG, None),
    "untag": (Action.UNTAG, None),
    "favorite": (Action.FAVORITE, True),
    "unfavorite": (Action.FAVORITE, False),
    "sensitive": (Action.SENSITIVE, True),
    "unsensitive": (Action.SENSITIVE, False),
    "trash": (Action.TRASH, None),
    "restore": (Action.RESTORE, None),
} | {f"rate-{stars}": (Action.RATE, stars) for stars in range(6)}
ASKED_ABOVE = 50  # images that are moved to the trash without being asked


class SelectionForm(forms.Form):
    """Some pictures by their ids, repeated or between commas, or all that the search finds.

    A `+` behind an id, as in "…c1+5", means all of the folded stack that this picture stands for.
    """

    scope = forms.CharField(required=False)  # "query": all that `q` finds
    q = forms.CharField(required=False, max_length=20_000)
    where = forms.CharField(required=False)  # "trash" on that page
    kind = forms.ChoiceField(required=False, choices=Tag.Kind)  # of tags that are typed without one
    next = forms.CharField(required=False)  # the page to go back to

    def __init__(self, owner, data):
        super().__init__(data)
        self.owner, self.sent_ids = owner, data.getlist("ids")

    @cached_property
    def selection(self) -> Selection:
        """Raises `BulkError`."""
        sent = self.cleaned_data
        if self.takes_all:
            return bulk.by_query(self.owner, sent.get("q", ""), trashed=sent.get("where") == "trash")
        if not self.ids:
            raise BulkError("ids", gettext("Select some images first."))
        chosen = bulk.by_ids(self.owner, self.ids)
        return bulk.with_stacks(chosen, self.stacks, sent.get("q", "")) if self.stacks else chosen

    @property
    def takes_all(self) -> bool:
        return self.cleaned_data.get("scope") == "query"

    @cached_property
    def pieces(self) -> list[tuple[uuid.UUID, bool]]:
        """Ids, and whether each means a whole stack."""
        split = (piece.partition("+") for piece in ",".join(self.sent_ids).split(","))
        return [(key, bool(plus)) for text, plus, _ in split if (key := _uuid(text))]

    @property
    def ids(self) -> list[uuid.UUID]:
        return [key for key, _ in self.pieces]

    @property
    def stacks(self) -> list[uuid.UUID]:
        return [key for key, is_whole in self.pieces if is_whole]

    @property
    def way_back(self) -> str:
        """The page the form stood on, if it is one of ours; else nothing."""
        address = self.cleaned_data.get("next", "")
        return address if url_has_allowed_host_and_scheme(address, allowed_hosts=None) else ""

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What another form needs to speak of the same selection: names and values."""
        names = ("scope", "q", "where", "kind", "next")
        ids = "" if self.takes_all else ",".join(f"{key}{'+' * whole}" for key, whole in self.pieces)
        return [("ids", ids), *((name, self.cleaned_data.get(name, "")) for name in names)]


class BulkForm(SelectionForm):
    """One button of the bar, or of the list of tags."""

    action = forms.ChoiceField(
        choices=[(name, name) for name in (*BUTTONS, "download")],
        error_messages={"required": gettext_lazy("Choose what to do with the images.")},
    )
    tags = forms.CharField(required=False, max_length=20_000)  # as typed: "character:Mirel, portrait"
    tag = forms.UUIDField(required=False)  # one that is there
    confirmed = forms.BooleanField(required=False)

    @property
    def problem(self) -> str:
        return str(next(iter(self.errors.values()))[0]) if self.errors else ""

    @property
    def wants_archive(self) -> bool:
        return self.cleaned_data["action"] == "download"

    @property
    def must_ask(self) -> bool:
        asks = self.cleaned_data["action"] == "trash" and not self.cleaned_data["confirmed"]
        return asks and len(self.selection) > ASKED_ABOVE

    def begin(self) -> BulkAction:
        """Do it. Raises `BulkError` and `TagError`."""
        action, value = BUTTONS[self.cleaned_data["action"]]
        tags = self._tags(action) if action in (Action.TAG, Action.UNTAG) else None
        return bulk.begin(self.selection, action, tags=tags, value=value)

    def _tags(self, action: Action) -> list[Tag]:
        mine = Tag.objects.owned_by(self.owner)
        if one := self.cleaned_data["tag"]:
            tags = list(mine.filter(public_id=one))
        else:
            tags = tagging.resolve(self.owner, self._specs(), create=action == Action.TAG)
        if not tags:
            raise BulkError("tags", gettext("Write a tag first, or choose one of the list."))
        return tags

    def _specs(self) -> list[str]:
        kind = self.cleaned_data["kind"]
        specs = tagging.split_specs(self.cleaned_data["tags"])
        return [f"{kind}:{spec}" if kind and ":" not in spec else spec for spec in specs]


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text.strip())
    except ValueError:
        return None
