"""The tables of docs/cost-claim.md: what replay measures on the sample recordings."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from docs.markdown import percent, table
from meetctl.reports.money import format_usd

if TYPE_CHECKING:
    from docs.commands import Commands

DRAWN = ("recordings/code-walkthrough", "recordings/quarterly-review")
"""What the claim is held against: their requests do not change with a newly recorded meeting."""

MODELS = (
    *(("gpt-4.1", "low"), ("gpt-4.1", "high"), ("gpt-4o", "low"), ("gpt-4o", "high")),
    *(("gpt-4o-mini", "low"), ("gpt-4o-mini", "high"), ("gpt-4.1-mini", "high")),
    *(("gpt-5.1", "low"), ("gpt-5.1", "high"), ("gpt-5-mini", "high"), ("gpt-5.4-mini", "high")),
    *(("gpt-5.6-luna", "low"), ("gpt-5.6-luna", "auto"), ("gpt-6-luna", "auto")),
)
RATES = ("5", "2", "1", "0.5", "0.2", "0.1")
LEVERS = {
    "1 frame a request": "fps=1 window=1",
    "2 frames a request": "fps=1 window=2",
    "detail low": "fps=1 detail=low",
    "longest side 1024": "fps=1 side=1024",
    "longest side 640": "fps=1 side=640",
    "gpt-4.1-mini": "fps=1 model=gpt-4.1-mini",
    "gpt-4o-mini": "fps=1 model=gpt-4o-mini",
    "gpt-5.1": "fps=1 model=gpt-5.1",
    "gpt-6-luna, detail auto": "fps=1 model=gpt-6-luna detail=auto",
    "every frame kept": "fps=every-frame",
    "0.2 fps": "fps=0.2",
    "gate of 1 percent": "fps=1 gate=1",
    "2 frames a request, side 1024": "fps=1 window=2 side=1024",
}
CLAIMED_AT_1_FPS = Decimal("0.01")
AGENT = "agent"
MEANINGS = ("every_frame", "per_turn", "history")

Policy = dict[str, Any]


def _models_command() -> str:
    policies = [
        f"--policy '{model} {detail} {rate}: fps={rate} model={model} detail={detail}'"
        for model, detail in MODELS
        for rate in ("1", "every-frame")
    ]
    return f"meetctl replay --json --coverage off {' '.join(policies)} recordings/quarterly-review"


def _both_command() -> str:
    named = {AGENT: "fps=1", "agent low": "fps=1 detail=low"}
    named |= {f"{rate} fps": f"fps={rate}" for rate in RATES}
    named |= LEVERS
    policies = [f"--policy '{name}: {text}'" for name, text in named.items()]
    return f"meetctl replay --json {' '.join(policies)} {' '.join(DRAWN)}"


COMMANDS = (_models_command(), _both_command())
"""What the tables below run, to be run ahead of them."""


def per_frame_table(commands: Commands) -> str:
    """Every kept frame billed once: where the claim's figures come from."""
    policies = commands.run_json(_models_command())["recordings"][0]["policies"]
    source, named = policies[0], _by_name(policies)
    rows = []
    for model, detail in MODELS:
        one = named[f"{model} {detail} 1"]
        # What is the source rate itself is not listed a second time.
        every = named.get(f"{model} {detail} every-frame", source)
        one_usd, every_usd = _per_min(one, "every_frame"), _per_min(every, "every_frame")
        rows.append(
            [
                model,
                detail,
                f"{one['tokens_per_frame']:,}",
                _usd(one_usd),
                _usd(every_usd),
                percent(float(1 - one_usd / every_usd)),
                f"{one_usd / CLAIMED_AT_1_FPS:.2f} times",
            ]
        )
    header = ["model", "detail", "tokens", "1 fps, a minute", "30 fps, a minute", "saving", "claimed $0.01"]
    return table(header, rows, right_from=2)


def rates_table(commands: Commands) -> str:
    """The same frames sent with requests: what the rate still decides."""
    policies = commands.run_json(_both_command())["total"]["policies"]
    source, named = policies[0], _by_name(policies)
    rows = [
        [
            policy["name"],
            f"{policy['kept']:,}",
            _coverage(policy),
            f"{_cost(policy, 'per_turn')['sent']}",
            _usd(_per_hour(policy, "per_turn")),
            _less(policy, source, "per_turn"),
            _usd(_per_hour(policy, "every_frame")),
            _less(policy, source, "every_frame"),
        ]
        for policy in (source, *(named[f"{rate} fps"] for rate in RATES))
    ]
    header = [
        *("rate", "kept", "changes shown", "images in requests"),
        *("per request, an hour", "saving", "every frame once, an hour", "saving"),
    ]
    return table(header, rows)


def agent_table(commands: Commands) -> str:
    """What the agent's own policy costs, in all three meanings."""
    titles = {"every_frame": "every frame once", "per_turn": "per request", "history": "left in history"}
    rows = []
    for recording in commands.run_json(_both_command())["recordings"]:
        named = _by_name(recording["policies"])
        for detail, policy in (("high", named[AGENT]), ("low", named["agent low"])):
            for meaning in MEANINGS:
                cost = _cost(policy, meaning)
                rows.append(
                    [
                        recording["path"].rstrip("/").rpartition("/")[2],
                        detail,
                        titles[meaning],
                        f"{cost['sent']:,}",
                        f"{cost['tokens']:,}",
                        _usd(Decimal(cost["usd"])),
                        _usd(_per_min(policy, meaning)),
                        _usd(_per_hour(policy, meaning)),
                    ]
                )
    header = ["recording", "detail", "meaning", "images", "tokens", "recording", "a minute", "an hour"]
    return table(header, rows, right_from=3)


def levers_table(commands: Commands) -> str:
    """The agent's policy with one thing changed at a time, over both recordings."""
    policies = commands.run_json(_both_command())["total"]["policies"]
    source, named = policies[0], _by_name(policies)
    agent = named[AGENT]
    rows = [_lever("**1 fps, last 5, detail high**", agent, agent)]
    rows += [_lever(name, named.get(name, source), agent) for name in LEVERS]
    header = ["changed", "images", "tokens each", "an hour", "against the agent's", "changes shown"]
    return table(header, rows)


def _lever(name: str, policy: Policy, agent: Policy) -> list[str]:
    ratio = _per_hour(policy, "per_turn") / _per_hour(agent, "per_turn")
    return [
        name,
        f"{_cost(policy, 'per_turn')['sent']}",
        f"{policy['tokens_per_frame']:,}",
        _usd(_per_hour(policy, "per_turn")),
        "–" if policy is agent else f"{'−' if ratio < 1 else '+'}{percent(abs(float(ratio) - 1))}",
        _coverage(policy),
    ]


def _by_name(policies: list[Policy]) -> dict[str, Policy]:
    return {policy["name"]: policy for policy in policies}


def _cost(policy: Policy, meaning: str) -> dict[str, Any]:
    cost: dict[str, Any] = policy["cost"][meaning]
    return cost


def _per_min(policy: Policy, meaning: str) -> Decimal:
    return Decimal(_cost(policy, meaning)["usd_per_min"])


def _per_hour(policy: Policy, meaning: str) -> Decimal:
    return 60 * _per_min(policy, meaning)


def _usd(amount: Decimal) -> str:
    return format_usd(amount)


def _less(policy: Policy, source: Policy, meaning: str) -> str:
    return "–" if policy is source else percent(policy["saving"][meaning])


def _coverage(policy: Policy) -> str:
    coverage = policy["coverage"]
    return f"{coverage['seen']} of {coverage['changes']}"


TABLES = {
    "claim, every frame once": per_frame_table,
    "claim, rates": rates_table,
    "claim, the agent": agent_table,
    "claim, levers": levers_table,
}
