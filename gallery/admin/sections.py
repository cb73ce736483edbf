"""The lists of the admin by what they are about, rather than all in one alphabetical row."""

from typing import Any

SECTIONS = {
    "Pictures": ("Image", "Tag", "NearDuplicate", "SavedSearch"),
    "Work": ("Generation", "GenerationCall", "Batch", "BatchCell", "Comparison", "Assist"),
    "In, out and many": ("Import", "ImportEntry", "BulkAction", "Download"),
    "Prompts": ("SavedPrompt", "Preset", "Placeholder", "HouseStyle"),
    "Server": ("ConnectionProfile", "QueuedTask", "Worker", "ModelTimes"),
    "People": ("User", "Group", "ApiToken", "AuditEntry"),
}

NAMES = {"SavedSearch": "Saved searches"}  # where an s at the end does not do


def arrange(apps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Django's list of apps as sections; a list that is in none comes last, under "More"."""
    known = {model["object_name"]: model for app in apps for model in app["models"]}
    for name in NAMES.keys() & known.keys():
        known[name]["name"] = NAMES[name]
    first = next(iter(apps), None)
    sections = [
        _section(first, title, [known.pop(name) for name in names if name in known])
        for title, names in SECTIONS.items()
    ]
    return [
        section for section in [*sections, _section(first, "More", list(known.values()))] if section["models"]
    ]


def _section(app: dict[str, Any] | None, title: str, models: list[dict[str, Any]]) -> dict[str, Any]:
    label = title.split(",")[0].replace(" ", "-").lower()
    return {**(app or {}), "name": title, "app_label": label, "models": models}
