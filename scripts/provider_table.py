"""Print README's table of providers from what the adapters declare; `--write` puts it into README.md."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from providers import registry  # noqa: E402
from providers.base import Connection, Provider  # noqa: E402

README = ROOT / "README.md"
BEGIN, END = "<!-- providers: begin -->\n", "<!-- providers: end -->\n"
OFFERED = "what the server offers"
HEAD = """\
| Provider | `provider` | Needs | Models | Pictures at once | Sizes | Seed |
|---|---|---|---|---|---|---|
"""


def table() -> str:
    return HEAD + "".join(row(slug) for slug, _ in registry.provider_choices())


def row(slug: str) -> str:
    provider = registry.provider_class(slug)(Connection())
    alive = [model for model in provider.models() if model.status != "retired"]
    takes = [model.capabilities for model in alive]
    if not provider.supports_image_generation:
        return f"| {provider.label} | `{slug}` | {needs(provider)} | makes no pictures | – | – | – |\n"
    most = max((capabilities.max_n for capabilities in takes), default=1)
    seed = "yes" if any(capabilities.seed for capabilities in takes) else "no"
    listed = OFFERED if provider.needs_base_url else names(alive)
    cells = [provider.label, f"`{slug}`", needs(provider), listed, str(most), sizes(takes), seed]
    return f"| {' | '.join(cells)} |\n"


def needs(provider: Provider) -> str:
    wanted = ["key"] * provider.needs_key + ["address"] * provider.needs_base_url
    return " and ".join(wanted) or "nothing"


def names(models) -> str:
    """Every living model; those with an end date say it."""
    shown = [f"`{m.id}`" + (f" (until {m.retires_on:%-d %B %Y})" if m.retires_on else "") for m in models]
    return ", ".join(shown) or OFFERED


def sizes(takes) -> str:
    rules = [capabilities.size for capabilities in takes if capabilities.size]
    if any(rule.free for rule in rules):
        return f"any up to {max(rule.max_edge for rule in rules)} pixels"
    if rules:
        return ", ".join(dict.fromkeys(value for rule in rules for value in rule.values))
    return "by shape" if any(capabilities.aspect_ratio for capabilities in takes) else "the model's own"


def with_table(text: str) -> str:
    """`text` with the table between the two marks replaced."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    if "--write" in sys.argv:
        README.write_text(with_table(README.read_text()))
    else:
        print(table(), end="")
