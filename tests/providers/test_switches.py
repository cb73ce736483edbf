"""A connection's options: what is kept, and what is refused in which words."""

import pytest

from providers import registry
from providers.errors import InvalidRequest

WORKFLOW = {
    "graph": {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}}},
    "inputs": {"prompt": ["6", "text"]},
}


def clean(slug, **given):
    return registry.provider_class(slug).clean_options(given)


@pytest.mark.parametrize(
    ("slug", "given", "kept"),
    [
        ("xai", {"deferred": True}, {"deferred": "true"}),
        ("openrouter", {"only": ["a", "b "], "zdr": "true", "sort": ""}, {"only": "a, b", "zdr": "true"}),
        ("openrouter", {"routing": '{"order": ["a"]}', "title": None}, {"routing": {"order": ["a"]}}),
        ("openai_compatible", {"sizes": ["512x512", "768x768"]}, {"sizes": "512x512, 768x768"}),
        ("openai", {"organization": " org-1 "}, {"organization": "org-1"}),
        ("comfyui", {"workflows": {"mine": WORKFLOW}}, {"workflows": {"mine": WORKFLOW}}),
        ("comfyui", {"workflows": ""}, {}),
        ("demo", {}, {}),
    ],
)  # fmt: skip
def test_options_are_kept_tidily(slug, given, kept):
    assert clean(slug, **given) == kept


@pytest.mark.parametrize(
    ("slug", "given", "sentence"),
    [
        ("xai", {"defered": "true"}, "xAI has no option “defered”; it has deferred."),
        ("demo", {"speed": "high"}, "Demo has no option “speed”; it has none."),
        ("xai", {"deferred": "maybe"}, "Deferred: choose one of false, true."),
        ("openrouter", {"routing": "{max_price: 1}"}, "line 1, column 2"),
        ("openrouter", {"routing": "[1]"}, "Other routing settings: write a JSON object"),
        ("openrouter", {"routing": 7}, "Other routing settings: write a JSON object"),
        ("openrouter", {"title": "Schönes"}, "use plain letters"),
        ("openrouter", {"only": {"a": 1}}, "Only these providers: write text."),
        ("openrouter", {"only": "a\nb"}, "write one line"),
        ("openai_compatible", {"sizes": "512x512, big"}, "“big” is no size."),
        ("openrouter", {"routing": '{"max_price": NaN}'}, "has NUL or NaN in it"),
        ("openrouter", {"routing": {"only": ["\x00"]}}, "has NUL or NaN in it"),
        ("openrouter", {"routing": {"only": ["\ud800"]}}, "has NUL or NaN in it"),
        ("comfyui", {"workflows": {"mine": {"nodes": []}}}, "The workflow “mine” cannot be used"),
        ("comfyui", {"workflows": "[" * 100_000}, "Workflows:"),
    ],
)
def test_options_that_cannot_work_are_refused(slug, given, sentence):
    with pytest.raises(InvalidRequest) as caught:
        clean(slug, **given)
    assert sentence in caught.value.message
    assert caught.value.field in given
