"""Which dialog asks for which action, what it says, and by what its effect is seen."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meetctl.domain.view.action_effects import see_arrived, see_closed, see_left, see_steered
from meetctl.domain.view.possible_actions import count_people, is_recording
from meetctl.reports.plain_text import show_plain
from meetctl.tui.action_runner import ActionOrder, ActionRunner
from meetctl.tui.screens.confirm_dialog import ConfirmDialog, EndDialog
from meetctl.tui.screens.policy_dialog import PolicyDialog
from meetctl.tui.screens.recording_dialog import RecordingDialog
from meetctl.tui.screens.room_dialog import RoomDialog
from meetctl.tui.screens.token_dialog import TokenDialog
from meetctl.tui.screens.words_dialog import WordsDialog

if TYPE_CHECKING:
    from meetctl.domain.view.dashboard import DashboardView, Meeting
    from meetctl.domain.view.possible_actions import ActionName
    from meetctl.ports import MeetingActions
    from meetctl.tui.dependencies import ProjectHour
    from meetctl.tui.screens.action_dialog import ActionDialog

_IDENTITY_BYTES = 3


def make_room_dialog(
    name: ActionName, runner: ActionRunner, actions: MeetingActions, *, room: str, view: DashboardView | None
) -> ActionDialog | None:
    """Return the dialog of an action that needs no meeting; None where `name` is another one."""
    if name == "token":
        identity = f"person-{secrets.token_hex(_IDENTITY_BYTES)}"
        return TokenDialog(runner, "Make a token for a person", actions, room=room, identity=identity)
    if name != "dispatch":
        return None

    def order_of(room: str) -> ActionOrder:
        async def dispatch() -> str:
            return f"the order was given ({await actions.dispatch_agent(room)})"

        return ActionOrder(
            title=f"Send an agent into {show_plain(room)}",
            perform=dispatch,
            see=lambda newer: see_arrived(view, room, newer),
            unseen_hint="see that a worker runs: `meetctl rooms show` tells what became of the order",
        )

    return RoomDialog(runner, "Send an agent into a room", room, order_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingDialogs:
    """The dialogs of the actions on one meeting, as it was when they were opened."""

    meeting: Meeting
    runner: ActionRunner
    actions: MeetingActions
    project: ProjectHour | None

    def make(self, name: ActionName) -> ActionDialog:
        """Return an action's dialog."""
        match name:
            case "policy":
                return self._policy()
            case "ears" | "eyes" | "voice":
                return self._switch(name)
            case "say" | "ask":
                return self._words(name)
            case "record":
                return self._recording()
            case "leave":
                return self._leave()
            case "close":
                return self._close()
        raise ValueError(f"{name} is no action on a meeting")

    @property
    def _room(self) -> str:
        return show_plain(self.meeting.room)

    @property
    def _present(self) -> str:
        people = count_people(self.meeting)
        there = "Nobody is" if not people else "1 person is" if people == 1 else f"{people} people are"
        return f"{there} in {self._room}."

    def _steer(self, title: str, op: str, args: Mapping[str, Any]) -> ActionOrder:
        async def steer() -> str:
            await self.actions.steer(self.meeting, op, args)
            return "the agent has done it"

        return ActionOrder(
            title=title, perform=steer, see=lambda view: see_steered(self.meeting, op, args, view)
        )

    def _policy(self) -> ActionDialog:
        title = f"Change fps or detail in {self._room}"
        return PolicyDialog(
            self.runner,
            title,
            self.meeting.state,
            lambda args: self._steer(title, "policy", args),
            self.project,
        )

    def _switch(self, sense: str) -> ActionDialog:
        op = "unmute" if sense in self.meeting.state.steering.muted else "mute"
        order = self._steer(f"{op.capitalize()} the agent's {sense} in {self._room}", op, {"what": sense})
        what = {
            ("mute", "ears"): "It hears and answers nobody until they are on again.",
            ("mute", "eyes"): "It sees and records nothing of what is shown until they are on again.",
            ("mute", "voice"): "It answers in writing only; what it says now is cut off.",
            ("unmute", "ears"): "It listens to everybody again.",
            ("unmute", "eyes"): "It looks again, and sends what it sees to the model.",
            ("unmute", "voice"): "It speaks again.",
        }[op, sense]
        return ConfirmDialog(self.runner, order, f"{what}\n{self._present}")

    def _words(self, op: str) -> ActionDialog:
        verb = "Let the agent say something" if op == "say" else "Ask the agent"
        question = "Everybody hears it" if op == "say" else "Everybody hears the answer"
        title = f"{verb} in {self._room}"
        return WordsDialog(
            self.runner,
            title,
            op,
            f"{question}. {self._present}",
            lambda text: self._steer(title, op, {"text": text}),
        )

    def _recording(self) -> ActionDialog:
        now = show_plain(self.meeting.state.recording.mode or "unknown")
        if is_recording(self.meeting):
            order = self._steer(f"Stop recording {self._room}", "record", {"mode": "off"})
            return EndDialog(
                self.runner,
                order,
                f"Nothing is recorded until it is started again (now: {now}).\n{self._present}",
            )
        title = f"Start recording {self._room}"
        return RecordingDialog(
            self.runner,
            title,
            "The agent tells everybody that they are recorded.\n"
            "full, sampled (what the agent keeps), or frames a second:",
            lambda mode: self._steer(title, "record", {"mode": mode}),
        )

    def _leave(self) -> ActionDialog:
        async def take_out() -> str:
            left = await self.actions.take_out(self.meeting)
            if not left.is_gone:
                return "the agent is leaving, and finishes its recording first"
            return "the agent has left" if left.way == "asked" else f"the agent was put out: {left.reason}"

        order = ActionOrder(
            title=f"Take the agent out of {self._room}",
            perform=take_out,
            see=lambda view: see_left(self.meeting, view),
        )
        return EndDialog(self.runner, order, f"The agent leaves for good. {self._present}")

    def _close(self) -> ActionDialog:
        async def close() -> str:
            await self.actions.close_room(self.meeting.room)
            return "the room was closed"

        order = ActionOrder(
            title=f"Close room {self._room}",
            perform=close,
            see=lambda view: see_closed(self.meeting, view),
        )
        return EndDialog(self.runner, order, f"The meeting ends for everybody in it. {self._present}")
