"""org.bluez.AgentManager1: who answers for the person when a device pairs.

BlueZ asks the agent of the client that called Pair, else the default agent, else the pairing fails,
even where nothing has to be compared (src/agent.c, agent_get; doc/org.bluez.Agent.rst).
"""

import asyncio
from dataclasses import dataclass

from dbus_fast import Message, MessageType

from simulators.ble.peripheral import Pairing
from simulators.ble.tree import Answer, ObjectTree, Refusal

AGENT = "org.bluez.Agent1"
AGENT_MANAGER = "org.bluez.AgentManager1"
ANSWER_LIMIT_S = 30.0
SHOWN_DIGITS = 123456

QUESTIONS = {
    Pairing.JUST_WORKS: ("RequestAuthorization", "o", ()),
    Pairing.CONFIRM: ("RequestConfirmation", "ou", (SHOWN_DIGITS,)),
    Pairing.PASSKEY: ("RequestPasskey", "o", ()),
}
LACKING = {
    Pairing.CONFIRM: ("NoInputNoOutput", "KeyboardOnly"),
    Pairing.PASSKEY: ("NoInputNoOutput", "DisplayOnly", "DisplayYesNo"),
}
"""Agents that can't do what the device asks for: nobody asks them, the pairing fails."""


@dataclass(frozen=True, slots=True)
class Agent:
    client: str
    path: str
    capability: str


class Agents:
    def __init__(self, tree: ObjectTree) -> None:
        self._tree = tree
        self._agents: dict[str, Agent] = {}
        self._defaults: list[str] = []

    async def register(self, call: Message) -> Answer:
        client = str(call.sender)
        if client in self._agents:
            raise Refusal("org.bluez.Error.AlreadyExists", "Already Exists")
        self._agents[client] = Agent(client, call.body[0], call.body[1] or "KeyboardDisplay")
        return Answer()

    async def make_default(self, call: Message) -> Answer:
        self._must_be_known(call)
        self._defaults.append(str(call.sender))
        return Answer()

    async def unregister(self, call: Message) -> Answer:
        self._must_be_known(call)
        self.forget(str(call.sender))
        return Answer()

    def forget(self, client: str) -> None:
        """That client's connection ended."""
        self._agents.pop(client, None)
        self._defaults = [name for name in self._defaults if name != client]

    def clear(self) -> None:
        self._agents.clear()
        self._defaults.clear()

    async def agree(self, client: str, device: str, pairing: Pairing, passkey: int = 0) -> None:
        """Return once the agent agreed to pair, and knew the passkey. Raises Refusal."""
        agent = self._agents.get(client)
        if agent is None and self._defaults:
            agent = self._agents[self._defaults[-1]]
        if (
            agent is None
            or pairing not in QUESTIONS
            or agent.capability in LACKING.get(pairing, ())
        ):
            raise _failed()
        member, signature, extra = QUESTIONS[pairing]
        question = self._tree.ask(
            agent.client, agent.path, AGENT, member, signature, (device, *extra)
        )
        try:
            reply = await asyncio.wait_for(question, ANSWER_LIMIT_S)
        except TimeoutError:
            raise Refusal(
                "org.bluez.Error.AuthenticationCanceled", "Authentication Canceled"
            ) from None
        if reply.message_type is MessageType.ERROR:
            raise Refusal("org.bluez.Error.AuthenticationRejected", "Authentication Rejected")
        if pairing is Pairing.PASSKEY and reply.body[0] != passkey:
            raise _failed()

    def _must_be_known(self, call: Message) -> None:
        agent = self._agents.get(str(call.sender))
        if agent is None or agent.path != call.body[0]:
            raise Refusal("org.bluez.Error.DoesNotExist", "Does Not Exist")


def _failed() -> Refusal:
    return Refusal("org.bluez.Error.AuthenticationFailed", "Authentication Failed")
