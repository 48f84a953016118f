"""What an agent is told for one meeting: checked before it is sent, and read by the agent as it was meant."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent_settings import make_settings

from meetctl.agent.order import read_order
from meetctl.errors import UsageError
from meetctl.services.join_metadata import KEYS, find_unread_keys, make_metadata

NOTHING = dict.fromkeys(KEYS)


def test_options_are_laid_over_the_object() -> None:
    text = '{"tenant": "acme", "language": "de"}'
    assert make_metadata(text, {**NOTHING, "fps": "0.5", "window": 0}) == {
        "tenant": "acme",
        "language": "de",
        "fps": "0.5",
        "window": 0,
    }
    assert make_metadata(None, NOTHING) == {}
    assert find_unread_keys({"tenant": 1, "language": 2}) == ["language"]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("{", {}, "--metadata is not JSON"),
        ("[1]", {}, "--metadata is not a JSON object"),
        ("null", {}, "--metadata is not a JSON object"),
        ("[" * 100_000, {}, "--metadata is not JSON"),
        ('{"fps": -1}', {}, "--metadata's fps: fps '-1' is not a number of at least 0"),
        ('{"window": 1.5}', {}, "--metadata's window: window '1.5' is not a whole number"),
        ('{"side": null}', {}, "--metadata's side is neither a text nor a number"),
        ('{"detail": true}', {}, "--metadata's detail is neither a text nor a number"),
        ('{"tenant": " "}', {}, "--metadata's tenant: it is empty"),
        (None, {"fps": "fast"}, "--fps: fps 'fast' is not a number"),
        (None, {"fps": "1e999999999"}, "--fps: fps '1e999999999' is not a number"),
        (None, {"detail": "hihg"}, "--detail: detail 'hihg' is not one of"),
        (None, {"record": "all"}, "--record: record 'all' is none of off, sampled, full"),
        ('{"fps": 1}', {"fps": "2"}, "--fps and --metadata both say fps"),
    ],
)
def test_what_the_agent_would_not_take_is_not_sent(
    text: str | None, options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError) as refused:
        make_metadata(text, options)
    assert message in refused.value.message


@given(
    fps=st.sampled_from(["0", "0.5", "1/2", "every-frame", 2, 0.25]),
    window=st.integers(0, 50),
    side=st.one_of(st.just("own"), st.integers(16, 4000)),
    record=st.sampled_from(["off", "sampled", "full", "2.5", 5]),
    tenant=st.text(min_size=1).filter(str.strip),
)
def test_what_is_sent_the_agent_reads_without_a_problem(
    fps: object, window: int, side: object, record: object, tenant: str
) -> None:
    metadata = make_metadata(
        json.dumps({"fps": fps, "record": record}), {"window": window, "side": side, "tenant": tenant}
    )
    order = read_order(json.dumps(metadata), make_settings(), ())
    assert order.problems == ()
    policy = order.settings.policy
    assert (order.tenant_id, policy.window) == (tenant, window)
    assert policy.side == (None if side == "own" else side)
    assert policy.fps == (None if fps == "every-frame" else Fraction(str(fps)))
