import pytest

from providers import rules
from providers.base import Capabilities, Choice, ImageRequest, ModelInfo, SizeRules
from providers.errors import InvalidRequest


def model(**able):
    return ModelInfo(id="m", label="Model M", capabilities=Capabilities(**able))


def refusal(able, **asked):
    with pytest.raises(InvalidRequest) as caught:
        rules.check(ImageRequest(prompt="a fox", model="m", **asked), model(**able))
    return caught.value


@pytest.mark.parametrize(
    ("asked", "field", "named"),
    [
        ({"seed": 4}, "seed", "seed"),
        ({"negative_prompt": "rain"}, "negative_prompt", "negative prompt"),
        ({"style": "vivid"}, "style", "style"),
    ],
)
def test_what_a_model_does_not_take_is_named_with_what_it_takes(asked, field, named):
    able = {"size": SizeRules(values=("1024x1024",)), "quality": Choice(values=("low", "high"))}
    error = refusal(able | {"max_references": 3}, **asked)
    assert error.field == field
    assert error.message == f"Model M takes no {named}. It takes size, quality, up to 3 reference pictures."


def test_a_model_without_parameters_takes_a_prompt_alone():
    assert refusal({}, seed=1).message == "Model M takes no seed. It takes a prompt alone."
