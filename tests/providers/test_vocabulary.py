import pytest

from providers.base import Choice

WHOLE = Choice(minimum=0, maximum=100)
STRENGTH = Choice(minimum=0, maximum=1, decimals=2)
SAMPLER = Choice(values=("Euler", "Euler a", "DDIM"), open=True)


@pytest.mark.parametrize(
    ("choice", "value"),
    [
        (WHOLE, 5),
        (WHOLE, "100"),
        (STRENGTH, 0.55),
        (STRENGTH, "1"),
        (STRENGTH, 0),
        (SAMPLER, "DDIM"),
        (SAMPLER, "Kohaku_LoNyu_Yog"),
    ],
)
def test_value_that_fits_has_no_problem(choice, value):
    assert choice.problem(value) is None


@pytest.mark.parametrize(
    ("choice", "value", "problem"),
    [
        (WHOLE, 5.5, "must be a whole number from 0 to 100"),
        (WHOLE, "5.0", "must be a whole number from 0 to 100"),
        (WHOLE, True, "must be a whole number from 0 to 100"),
        (WHOLE, "--5", "must be a whole number from 0 to 100"),
        (STRENGTH, "0.555", "must be a number from 0 to 1"),
        (STRENGTH, 1.01, "must be a number from 0 to 1"),
        (STRENGTH, "NaN", "must be a number from 0 to 1"),
        (STRENGTH, "1e999999999", "must be a number from 0 to 1"),
        (SAMPLER, " ", "must be a name such as Euler, Euler a, DDIM"),
        (SAMPLER, 7, "must be a name such as Euler, Euler a, DDIM"),
        (SAMPLER, "x" * 201, "must be a name such as Euler, Euler a, DDIM"),
        (Choice(values=("low", "high")), "max", "must be one of low, high"),
    ],
)
def test_value_that_does_not_fit_is_told_what_would(choice, value, problem):
    assert choice.problem(value) == problem
