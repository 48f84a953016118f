"""One turn as a waterfall: its stages below each other, each with its start, its length and a bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.reports.plain_text import show_plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meetctl.domain.turn_stages import Stage, TurnStages

_LONGEST_NAME = 24
_NUMBER_COLUMNS = 8
_FEWEST_COLUMNS = 10
_MARGIN = 0.08
"""How much is shown before the wait and after it, as a part of it."""
_SHORTEST_WAIT_S = 0.05


def draw_turn(turn: TurnStages, title: str, *, columns: int) -> list[str]:
    """Return the lines of a waterfall, in so many columns and in ASCII.

    The bars show the wait, from the end of what the person said to the agent's first sound, and a little
    around it. Where a bar goes on beyond it, it ends in `<` or `>`.
    """
    begin_s, end_s = _find_window(turn)
    names = [show_plain(stage.name)[:_LONGEST_NAME] for stage in turn.stages]
    longest = max(map(len, names), default=0)
    width = max(_FEWEST_COLUMNS, columns - longest - 2 * _NUMBER_COLUMNS - 2)
    lines = [_head(turn, title), f"{'':{longest}}{'start s':>{_NUMBER_COLUMNS}}{'took s':>{_NUMBER_COLUMNS}}"]
    for name, stage in zip(names, turn.stages, strict=True):
        took_s = stage.end_s - stage.start_s
        numbers = f"{stage.start_s:{_NUMBER_COLUMNS}.2f}{took_s:{_NUMBER_COLUMNS}.2f}"
        bar = _draw_bar(stage, begin_s, end_s, width)
        lines.append(f"{name:{longest}}{numbers}  {bar}".rstrip())
    return lines


def _head(turn: TurnStages, title: str) -> str:
    told = "no answer was heard"
    if turn.first_sound_s is not None:
        since = "the message" if turn.is_typed else "the end of speech"
        told = f"first sound {turn.first_sound_s:.2f} s after {since}"
    return show_plain(f"{title}, {turn.outcome or 'not ended'}: {told}")


def _find_window(turn: TurnStages) -> tuple[float, float]:
    """Return from when to when bars are drawn."""
    end_s = turn.first_sound_s
    if end_s is None:
        end_s = _last_end(turn.stages)
    wait_s = max(end_s, _SHORTEST_WAIT_S)
    return -_MARGIN * wait_s, (1 + _MARGIN) * wait_s


def _last_end(stages: Iterable[Stage]) -> float:
    return max((stage.end_s for stage in stages), default=0.0)


def _draw_bar(stage: Stage, begin_s: float, end_s: float, width: int) -> str:
    """Return a bar of at least one sign; outside of what is shown it is an arrow to where it is."""
    if stage.end_s < begin_s:
        return "<"
    if stage.start_s > end_s:
        return ">".rjust(width)
    scale = width / (end_s - begin_s)
    first = max(0, int((stage.start_s - begin_s) * scale))
    last = min(width, max(first + 1, round((stage.end_s - begin_s) * scale)))
    first = min(first, width - 1)
    bar = "#" * (last - first)
    if stage.start_s < begin_s:
        bar = "<" + bar[1:]
    if stage.end_s > end_s:
        bar = bar[:-1] + ">"
    return " " * first + bar
