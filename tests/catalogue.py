"""Reads translations as they are written, and finds in the sources what is to be translated."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation.template import templatize

ROOT = Path(__file__).parent.parent
LINE = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr)(?:\[(\d)\])? (".*")$')
CALLS = {"gettext": 1, "gettext_lazy": 1, "ngettext": 2, "pgettext_lazy": 2}  # arguments that are texts
LITERAL = r"""u?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
IN_TEMPLATE = re.compile(rf"\b(p?)(?:n?gettext|_)\(((?:{LITERAL}(?:, )?)+)")


@dataclass
class Entry:
    flags: str = ""
    texts: dict[str, str] = field(default_factory=dict)  # by "msgid", "msgstr", "msgstr1" …

    @property
    def source(self) -> list[str]:
        return [self.texts[name] for name in ("msgid", "msgid_plural") if name in self.texts]

    @property
    def target(self) -> list[str]:
        return [text for name, text in self.texts.items() if name.startswith("msgstr")]


def read(path: Path) -> list[Entry]:
    """Every entry of a .po file but its head."""
    entries = [_entry(block) for block in path.read_text().split("\n\n")]
    return [entry for entry in entries if entry.texts.get("msgid")]


def _entry(block: str) -> Entry:
    entry, name = Entry(), ""
    for line in block.splitlines():
        if found := LINE.match(line):
            name = found[1] + ("" if found[2] in (None, "0") else found[2])
            entry.texts[name] = ast.literal_eval(found[3])
        elif line.startswith('"'):
            entry.texts[name] += ast.literal_eval(line)
        elif line.startswith("#,"):
            entry.flags += line
    return entry


def texts_of_module(path: Path) -> Iterator[str]:
    """What a module hands to gettext."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            texts = [each.value for each in node.args[: CALLS.get(name, 0)] if isinstance(each, ast.Constant)]
            yield from texts[name.startswith("p") :]


def texts_of_template(path: Path) -> Iterator[str]:
    """What a template hands to gettext, found in what Django makes of it for the tools of gettext."""
    for has_context, literals in IN_TEMPLATE.findall(templatize(path.read_text())):
        texts = [ast.literal_eval(literal) for literal in re.findall(LITERAL, literals)]
        yield from texts[bool(has_context) :]
