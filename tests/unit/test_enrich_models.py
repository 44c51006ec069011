"""How models are asked, and what they cost."""

from __future__ import annotations

import pytest

from aiops_rca.domain.narrative import Usage
from aiops_rca.enrich.models import cost_usd, model_of

MILLION = 1_000_000


def test_a_call_costs_what_its_tokens_cost() -> None:
    """1,800 tokens in and 450 out of claude-haiku-4-5, at 1 and 5 dollars a million."""
    cost = cost_usd(model_of("claude-haiku-4-5"), Usage(input=1800, output=450))

    assert cost == pytest.approx(0.00405)


def test_the_providers_cache_has_prices_of_its_own() -> None:
    """Writing to it costs a quarter more than input, reading from it a tenth of it."""
    model = model_of("claude-haiku-5-5")

    assert cost_usd(model, Usage(cache_write=MILLION)) == pytest.approx(0.125)
    assert cost_usd(model, Usage(cache_read=MILLION)) == pytest.approx(0.01)


def test_a_model_nobody_knows_has_no_price() -> None:
    """No cost is better than a wrong one; and room is left for the thought of a model that may think."""
    model = model_of("gpt-neo")

    assert cost_usd(model, Usage(input=1, output=1)) is None
    assert model.extra == {}
    assert model.max_tokens > model_of("claude-haiku-4-5").max_tokens


@pytest.mark.parametrize(
    "name",
    [
        "claude-haiku-4-5-20251001",
        "claude-haiku-4-5@20251001",
        "anthropic/claude-haiku-4-5",
        "anthropic.claude-haiku-4-5-20251001-v1:0",
        "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
    ],
)
def test_a_model_is_known_under_the_names_of_others_for_it(name: str) -> None:
    """A snapshot's date and what clouds put around the name change nothing."""
    assert model_of(name) == model_of("claude-haiku-4-5")


@pytest.mark.parametrize("name", ["claude-haiku-4-5-preview", "claude-opus-4-20250514", "claude-haiku-45"])
def test_a_name_that_only_begins_like_a_known_one_is_a_stranger(name: str) -> None:
    """Claude Opus 4 is not Claude Opus 4.5: it costs three times as much."""
    assert model_of(name).usd_in is None


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("claude-haiku-4-5", {}),
        ("claude-haiku-5-5", {"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}),
        ("claude-sonnet-5-5", {"thinking": {"type": "between_tools"}, "output_config": {"effort": "low"}}),
        ("claude-opus-5-5", {"output_config": {"effort": "low"}}),
    ],
)
def test_a_model_is_asked_not_to_think_in_the_way_it_takes(name: str, extra: object) -> None:
    """What one model needs to be quick is an error for the next."""
    assert model_of(name).extra == extra
