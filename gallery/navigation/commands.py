"""Where one can go and what can be done from anywhere: what the palette offers whoever asks."""

from dataclasses import dataclass, field

from gallery.language.wording import gettext_lazy


@dataclass(frozen=True, kw_only=True)
class Command:
    """A page of the interface, or a button that every page has."""

    text: str
    icon: str
    route: str  # name of its address
    key: str = ""  # that does the same, as in `gallery.navigation.shortcuts`
    also: str = ""  # other words by which people look for it
    fields: dict[str, str] = field(default_factory=dict)  # sent by POST; without any it is a link
    hands: bool = False  # with script, the key's handler does it and the page stays


def _theme(value: str, text: str, icon: str) -> Command:
    also = gettext_lazy("theme colours")
    return Command(text=text, icon=icon, route="appearance", also=also, fields={"theme": value})


DEEDS = [
    Command(text=gettext_lazy("Add images"), icon="plus", route="add", key="a", also=gettext_lazy("upload")),
    Command(
        text=gettext_lazy("Import"), icon="folder-input", route="add-import", also=gettext_lazy("archive zip")
    ),
    Command(
        text=gettext_lazy("Generate"), icon="sparkles", route="add-generate", also=gettext_lazy("make draw")
    ),
    Command(
        text=gettext_lazy("Hide or show all pictures"),
        icon="eye-off",
        route="hide",
        key="h",
        also=gettext_lazy("blur"),
        fields={"sent": "yes"},
        hands=True,
    ),
    Command(text=gettext_lazy("Undo"), icon="undo-2", route="history", key="z", hands=True),
    _theme("light", gettext_lazy("Light theme"), "sun"),
    _theme("dark", gettext_lazy("Dark theme"), "moon"),
    _theme("system", gettext_lazy("Theme as the system"), "monitor"),
    Command(text=gettext_lazy("Keyboard shortcuts"), icon="keyboard", route="keyboard", key="?", hands=True),
    Command(text=gettext_lazy("Search help"), icon="info", route="search-help"),
    Command(text=gettext_lazy("Log out"), icon="log-out", route="account_logout"),
]
PAGES = [
    Command(text=gettext_lazy("Gallery"), icon="image", route="index", key="g g"),
    Command(text=gettext_lazy("Characters"), icon="drama", route="characters", key="g c"),
    Command(text=gettext_lazy("Personas"), icon="id-card", route="personas", key="g p"),
    Command(text=gettext_lazy("Chats"), icon="messages-square", route="chats", key="g h"),
    Command(text=gettext_lazy("Tags"), icon="tag", route="tags", key="g t"),
    Command(text=gettext_lazy("Queue"), icon="activity", route="queue", key="g q", also=gettext_lazy("jobs")),
    Command(text=gettext_lazy("Prompts"), icon="text-cursor-input", route="prompt-history", key="g r"),
    Command(text=gettext_lazy("Prompt library"), icon="text-cursor-input", route="prompt-library"),
    Command(text=gettext_lazy("Costs"), icon="wallet", route="costs", key="g o", also=gettext_lazy("money")),
    Command(text=gettext_lazy("Comparisons"), icon="columns-2", route="comparisons"),
    Command(text=gettext_lazy("Many from one"), icon="layers", route="batches"),
    Command(
        text=gettext_lazy("Look-alikes"), icon="copy", route="duplicates", also=gettext_lazy("duplicates")
    ),
    Command(text=gettext_lazy("Saved searches"), icon="search", route="searches"),
    Command(text=gettext_lazy("History"), icon="clock", route="history"),
    Command(text=gettext_lazy("Months"), icon="calendar", route="months"),
    Command(text=gettext_lazy("Trash"), icon="trash-2", route="trash", key="g x"),
    Command(text=gettext_lazy("Settings"), icon="settings", route="settings", key="g s"),
    Command(text=gettext_lazy("Connections"), icon="plug", route="connections"),
    Command(text=gettext_lazy("Storage"), icon="hard-drive", route="storage"),
    Command(text=gettext_lazy("Account"), icon="user-round", route="account", also=gettext_lazy("password")),
    Command(text=gettext_lazy("API tokens"), icon="key-round", route="tokens"),
    Command(
        text=gettext_lazy("Appearance"), icon="palette", route="appearance", also=gettext_lazy("language")
    ),
    Command(text=gettext_lazy("Placeholders"), icon="braces", route="prompts"),
    Command(text=gettext_lazy("Presets"), icon="sliders-horizontal", route="presets"),
    Command(text=gettext_lazy("Privacy"), icon="shield", route="privacy"),
]
