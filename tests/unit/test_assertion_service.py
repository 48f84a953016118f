from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.written_audit import one_track, two_tracks, written_audit

from meetctl.errors import UsageError
from meetctl.services.assertion import NAMES, check_audit, check_expressions, name_values
from meetctl.services.summary import make_audit


def test_every_name_has_a_value_and_no_other() -> None:
    policy = one_track().policies[1]
    assert set(name_values(policy, "history")) == set(NAMES)


def test_costs_without_a_meaning_are_in_the_chosen_one() -> None:
    values = name_values(one_track().policies[1], "history")
    assert values["usd"] == values["history.usd"] == Decimal("0.03729375")
    assert values["per_turn.usd"] == Decimal("0.00663")
    assert values["saving"] == Decimal("-0.125")


@pytest.mark.parametrize("expression", ["", "usd<", "usd<1 and", "price<1", "usd<1; kept>0", "__import__>1"])
def test_wrong_expression_is_refused_without_an_audit(expression: str) -> None:
    with pytest.raises(UsageError, match="--assert"):
        check_expressions(["kept>0", expression])


def test_every_name_that_an_audit_has_values_for_is_accepted_without_one() -> None:
    assert set(name_values(one_track().policies[1], "history")) == set(NAMES)
    check_expressions([f"{name}>=0" for name in NAMES])
    with pytest.raises(UsageError, match="--assert"):
        check_expressions([*(f"{name}>=0" for name in NAMES), "unheard_of>=0"])


def test_demand_speaks_of_every_policy_asked_for_in_every_recording() -> None:
    audit = make_audit(
        (one_track(), two_tracks()), price_book="2026-11-22", meaning="per_turn", target=0.95, sweep=False
    )
    failures = check_audit(audit, ["kept<2"])
    assert [failure.partition(":")[0] for failure in failures] == [
        "'kept<2' does not hold for films/review, \"part 1\".mkv, 0.5 fps",
        "'kept<2' does not hold for bundles/daily, 0.5 fps",
    ]


def test_unknown_value_is_no_pass() -> None:
    audit = make_audit((two_tracks(),), price_book="2026-11-22", meaning="per_turn", target=0.95, sweep=False)
    assert all("cannot be decided" in failure for failure in check_audit(audit, ["coverage>=0"]))
    unpriced = [failure for failure in check_audit(audit, ["usd<100"]) if "usd is unknown" in failure]
    assert len(unpriced) == 1


def test_of_a_sweep_only_the_chosen_policy_counts() -> None:
    audit = replace(written_audit(), recordings=written_audit().recordings[:1])
    assert check_audit(audit, ["kept==2"]) == []


def test_sweep_that_chose_nothing_decides_nothing() -> None:
    (failure,) = check_audit(replace(written_audit(), recordings=written_audit().recordings[1:]), ["kept>0"])
    assert "cannot be decided for bundles/daily: no policy was chosen by --sweep" in failure
