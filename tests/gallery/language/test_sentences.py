import pytest
from django.utils import translation

from gallery.language.sentences import Sentence, kept, shown

NO_REFERENCES = "{label} takes no reference images. They are left out."
INSTEAD = "{asked} is not offered by this model, using {instead}."


def test_a_sentence_is_shown_in_the_language_of_the_moment():
    with translation.override("de"):
        made = Sentence(NO_REFERENCES, label="Imagen")
    row = kept(made)
    assert made.startswith("Imagen nimmt keine")
    assert row == {"text": NO_REFERENCES, "words": {"label": "Imagen"}}
    assert shown(row) == "Imagen takes no reference images. They are left out."
    with translation.override("de"):
        assert shown(row) == made


def test_words_may_be_sentences_themselves():
    row = kept(Sentence(INSTEAD, asked="7:5", instead=Sentence("Automatic")))
    assert row["words"] == {"asked": "7:5", "instead": {"text": "Automatic", "words": {}}}
    with translation.override("de"):
        assert "Automatisch" in shown(row)


@pytest.mark.parametrize("entry", ["Imagen nimmt keine {Bilder}.", {"text": 3}, {"words": {}}, 7])
def test_what_was_kept_otherwise_is_shown_as_it_stands_there(entry):
    assert shown(entry) == str(entry)


def test_a_place_without_a_word_shows_the_bare_text():
    assert shown({"text": "{label} is {other}", "words": {"label": "x"}}) == "{label} is {other}"


def test_braces_in_words_stay():
    assert shown(kept(Sentence(INSTEAD, asked="{0}", instead="{x}"))).startswith("{0} is not offered")
