"""The texts of the interface: all are marked for translation, and the catalogues are whole."""

import gettext
import re
from pathlib import Path

import pytest

from gallery.language import scriptwords
from tests import catalogue

ROOT = catalogue.ROOT
CATALOGUES = sorted((ROOT / "locale").rglob("django.po"))
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.html") if path.parent.name != "admin")
MODULES = sorted((ROOT / "gallery").rglob("*.py"))
ENTRIES = [(path, entry) for path in CATALOGUES for entry in catalogue.read(path)]

PLACES = re.compile(r"%\(\w+\)s|\{\w*\}|<[^>]+>|%%")
CODE = re.compile(
    r"\{#.*?#\}|\{% (comment|verbatim|blocktranslate)\b.*?\{% end\1 %\}|\{[{%].*?[}%]\}", re.DOTALL
)
CLASSES = re.compile(r"\{% block (?:body_class|main_class|size) %\}.*?\{% endblock.*?%\}", re.DOTALL)
SILENT = re.compile(r"<!--.*?-->|(?P<opened><(script|style|code)\b[^<>]*>).*?</\2>", re.DOTALL)
TAG = re.compile(r"<[^<>]*>")
SPOKEN = re.compile(r'(?<![\w-])(?:aria-label|title|placeholder|alt|data-key-label)="([^"]*)"')
# Names, units and signs that are the same in every language.
ALIKE = {"CSV", "Ctrl", "SVG", "character:Mirel, portrait", "sort:"}


def naked(text: str) -> list[str]:
    """What a template says without handing it to gettext."""
    text = SILENT.sub(r"\g<opened> ", CODE.sub("|", CLASSES.sub("", text)))
    said = [*SPOKEN.findall(text), *TAG.split(text)]
    words = (word.strip() for piece in said for word in re.sub(r"&#?\w+;", "", piece).split("|"))
    return [word for word in words if re.search("[A-Za-z]{2}", word) and word.rstrip(" ↵") not in ALIKE]


def test_naked_texts_are_found_in_elements_and_attributes():
    page = (
        '<p title="Old">{% translate "New" %} and {{ more }}</p><b class="x">{# no #}{% if a %}so{% endif %}'
    )
    assert naked(page) == ["Old", "and", "so"]


def test_what_a_drawing_is_called_is_a_text_and_code_is_none():
    page = '<svg role="img" aria-label="Sun"><title>Star</title></svg><code title="Key">sk-no</code>'
    assert naked(page) == ["Sun", "Key", "Star"]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_templates_say_nothing_past_gettext(path):
    assert naked(path.read_text()) == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_every_text_of_the_sources_is_translated(path):
    known = {text for entry in catalogue.read(path) for text in entry.source}
    used = {text for module in MODULES for text in catalogue.texts_of_module(module)}
    used |= {text for template in TEMPLATES for text in catalogue.texts_of_template(template)}
    assert sorted(used - known) == []  # `scripts/words.sh` puts them in
    assert [entry.source for entry in catalogue.read(path) if not all(entry.target)] == []


def test_no_translation_is_a_guess():
    assert [entry.source for _, entry in ENTRIES if "fuzzy" in entry.flags] == []


def test_translations_keep_places_tags_and_the_spaces_at_both_ends():
    for _, entry in ENTRIES:
        for source, target in zip(
            [entry.source[0], *entry.source][-len(entry.target) :], entry.target, strict=True
        ):
            assert sorted(PLACES.findall(target)) == sorted(PLACES.findall(source)), source
            assert (target[:1] == " ", target[-1:] == " ") == (source[:1] == " ", source[-1:] == " "), source


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_the_compiled_catalogue_is_that_of_the_texts(path):
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in catalogue.read(path):
        assert said_by(compiled, entry) == entry.target


def said_by(compiled, entry) -> list[str]:
    if len(entry.source) > 1:
        return [compiled.ngettext(*entry.source, 1), compiled.ngettext(*entry.source, 2)]
    if "msgctxt" in entry.texts:
        return [compiled.pgettext(entry.texts["msgctxt"], *entry.source)]
    return [compiled.gettext(*entry.source)]


# --- What scripts say -----------------------------------------------------------------------------

LITERALS = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
SENTENCE = re.compile(r"(?!Ctrl |Alt |Shift )[A-Z{][\w}]*[ .].*[a-z.]$")
BY_NAME = re.compile(r'(?:gettext|say)\("([^"]+)"|register\("[^"]*", "([^"]+)"|(?:group|label): "([^"]+)"')


@pytest.mark.parametrize("path", sorted((ROOT / "static/js").glob("*.js")), ids=lambda path: path.name)
def test_what_scripts_say_is_sent_in_the_language_of_the_page(path: Path):
    code = re.sub(r"//.*", "", path.read_text())
    said = {text for pair in BY_NAME.findall(code) for text in pair if text}
    said |= {text for text in LITERALS.findall(code) if SENTENCE.match(text)}
    assert said - set(scriptwords.texts()) == set()
