"""The worked example of docs/replay.md: one policy's costs, counted request by request."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from docs.markdown import table
from meetctl.reports.money import format_usd

if TYPE_CHECKING:
    from docs.commands import Commands

RECORDING = "quarterly-review"
COMMAND = f"meetctl replay --json --fps 1 --coverage off --save example.duckdb recordings/{RECORDING}"
_REQUESTS = """
    SELECT request + 1, t_us / 1e6, (SELECT count(*) FROM kept WHERE policy = '1 fps' AND kept.t_us <= r.t_us)
    FROM requests AS r ORDER BY request
"""


def worked_example(commands: Commands) -> str:
    """Return the requests one by one, then the sums, as a reader can check them by hand."""
    import duckdb

    policy = commands.run_json(COMMAND)["recordings"][0]["policies"][1]
    with duckdb.connect(str(commands.directory / "example.duckdb"), read_only=True) as connection:
        requests = connection.sql(_REQUESTS).fetchall()
    rows, in_history, billed_again = [], 0, 0
    for number, t_s, kept in requests:
        attached = min(policy["window"], kept)
        in_history += attached
        billed_again += in_history
        rows.append([f"{number}", f"{t_s:.1f} s", f"{kept}", f"{attached}", f"{in_history}"])
    attached_sum = sum(int(row[3]) for row in rows)
    counted = {"every_frame": policy["kept"], "per_turn": attached_sum, "history": billed_again}
    rows.append(["**sum**", "", "", f"**{attached_sum}**", f"**{billed_again}**"])
    header = ["request", "at", "frames kept by then", "attached, of the last 5", "in the history"]
    return f"{table(header, rows)}\n\n{_sums(policy, counted)}"


def _sums(policy: dict[str, object], counted: dict[str, int]) -> str:
    """Return each meaning's multiplication, and refuse to print one that replay does not agree with."""
    titles = {"every_frame": "every frame once", "per_turn": "per request", "history": "left in history"}
    tokens_each = policy["tokens_per_frame"]
    costs = policy["cost"]
    if not isinstance(tokens_each, int) or not isinstance(costs, dict):
        raise TypeError("the example's frames are not all of one size")
    rows = []
    for meaning, title in titles.items():
        sent, cost = counted[meaning], costs[meaning]
        usd = sent * tokens_each * Decimal(2) / 1_000_000
        if (sent, usd) != (cost["sent"], Decimal(cost["usd"])):
            raise ValueError(f"replay does not agree with the example: {meaning}: {sent}, {usd}; {cost}")
        tokens = f"{sent:,} × {tokens_each:,} = {sent * tokens_each:,}"
        rows.append([title, f"{sent:,}", tokens, f"× $2 / 1,000,000 = {format_usd(usd)}"])
    return table(["meaning", "images", "tokens", "money"], rows)
