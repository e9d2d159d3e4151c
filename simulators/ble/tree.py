"""BlueZ's objects on a D-Bus: ObjectManager, Properties, method calls, and signals in order."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from dbus_fast import Message, MessageFlag, MessageType, NameFlag, RequestNameReply, Variant
from dbus_fast.aio import MessageBus

DBUS = "org.freedesktop.DBus"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"

Properties = dict[str, Variant]
Interfaces = dict[str, Properties]

NO = Variant("b", value=False)
YES = Variant("b", value=True)

BURST = 48
"""Small messages sent before the daemon is asked whether it keeps up."""


class Refusal(Exception):
    """The error with which a call is answered."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call returns: a D-Bus signature, its values, and file descriptors."""

    signature: str = ""
    body: tuple[object, ...] = ()
    fds: tuple[int, ...] = ()


Handler = Callable[[Message], Awaitable[Answer]]


class Outbox:
    """Sends in order, and waits for the daemon before its socket is full.

    dbus-fast ends the connection when a send finds the socket full (EAGAIN).
    """

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._waiting: deque[Message] = deque()
        self._credit = BURST
        self._catching_up: asyncio.Task[None] | None = None

    def send(self, message: Message) -> None:
        self._waiting.append(message)
        self._flush()

    async def drained(self) -> None:
        """Return when the daemon has read all that was sent until now."""
        while self._catching_up is not None:
            await asyncio.wait({self._catching_up})
        await self._ping()

    def _flush(self) -> None:
        while self._waiting and self._catching_up is None and self._bus.connected:
            message = self._waiting.popleft()
            sent = self._bus.send(message)
            sent.add_done_callback(_look_at)
            self._credit -= BURST if message.signature.startswith("a{o") else 1
            if self._credit <= 0:
                self._catching_up = asyncio.create_task(self._catch_up())

    async def _catch_up(self) -> None:
        await self._ping()
        self._credit = BURST
        self._catching_up = None
        self._flush()

    async def _ping(self) -> None:
        if self._bus.connected:
            with suppress(OSError, EOFError):
                await self._bus.call(
                    Message(
                        destination=DBUS,
                        path="/org/freedesktop/DBus",
                        interface="org.freedesktop.DBus.Peer",
                        member="Ping",
                    )
                )


def _look_at(sent: "asyncio.Future[object]") -> None:
    """A send that failed ended the connection, which shows everywhere else."""
    if not sent.cancelled():
        sent.exception()


class ObjectTree:
    """Objects by path, each with its interfaces and their properties.

    `on_call` answers a method that is not of the standard interfaces; `on_set` takes a property
    that a client writes; `on_leave` is told when a client's connection ends.
    """

    def __init__(
        self,
        on_call: Handler,
        on_set: Callable[[str, str, str, object], Awaitable[None]],
        on_leave: Callable[[str], None],
    ) -> None:
        self.objects: dict[str, Interfaces] = {}
        self._on_call = on_call
        self._on_set = on_set
        self._on_leave = on_leave
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._calls: set[asyncio.Task[None]] = set()
        self._bus: MessageBus
        self._outbox: Outbox

    async def open(self, address: str, name: str) -> None:
        """Own `name` on the bus. Raises RuntimeError where another program owns it."""
        self._bus = await MessageBus(bus_address=address, negotiate_unix_fd=True).connect()
        self._outbox = Outbox(self._bus)
        self._bus.add_message_handler(self._on_message)
        await self._bus.call(
            Message(
                destination=DBUS,
                path="/org/freedesktop/DBus",
                interface=DBUS,
                member="AddMatch",
                signature="s",
                body=[f"type='signal',sender='{DBUS}',member='NameOwnerChanged'"],
            )
        )
        reply = await self._bus.request_name(name, NameFlag.DO_NOT_QUEUE)
        if reply is not RequestNameReply.PRIMARY_OWNER:
            raise RuntimeError(f"another program owns {name} on {address}")

    async def close(self) -> None:
        """Leave the bus, as a program that was killed does: nothing is said about the objects."""
        for call in tuple(self._calls):
            call.cancel()
        self.objects.clear()
        self._bus.disconnect()

    def freeze(self) -> None:
        """Answer nothing until `thaw`, as a program that hangs does."""
        self._thawed.clear()

    def thaw(self) -> None:
        self._thawed.set()

    def add(self, path: str, interfaces: Interfaces) -> None:
        self.objects[path] = interfaces
        self._signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])

    def remove(self, path: str) -> None:
        interfaces = self.objects.pop(path, None)
        if interfaces is not None:
            self._signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", [path, list(interfaces)])

    def update(
        self, path: str, interface: str, changed: Properties, gone: Sequence[str] = ()
    ) -> None:
        """Set and drop properties, and say so in one signal."""
        properties = self.objects[path][interface]
        properties.update(changed)
        for name in gone:
            properties.pop(name, None)
        self._signal(
            path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, changed, list(gone)]
        )

    def value(self, path: str, interface: str, name: str) -> object:
        """None where it is absent."""
        held = self.objects.get(path, {}).get(interface, {}).get(name)
        return None if held is None else held.value

    async def ask(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: Sequence[object] = (),
    ) -> Message:
        """Call a method of a client. Its reply may be an error."""
        return await self._bus.call(
            Message(
                destination=destination,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=list(body),
            )
        )

    async def drained(self) -> None:
        """Return when the daemon has read all that was sent until now."""
        await self._outbox.drained()

    def _signal(
        self, path: str, interface: str, member: str, signature: str, body: list[object]
    ) -> None:
        self._outbox.send(Message.new_signal(path, interface, member, signature, body))

    def _on_message(self, message: Message) -> bool:
        if message.message_type is MessageType.SIGNAL and message.member == "NameOwnerChanged":
            name, _, new_owner = message.body
            if name.startswith(":") and not new_owner:
                self._on_leave(name)
        elif message.message_type is MessageType.METHOD_CALL:
            call = asyncio.create_task(self._answer(message))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
            return True
        return False

    async def _answer(self, call: Message) -> None:
        await self._thawed.wait()
        reply = Message.new_error(call, f"{DBUS}.Error.Failed", "the mock made a mistake")
        try:
            answer = await self._dispatch(call)
            reply = Message.new_method_return(
                call, answer.signature, list(answer.body), list(answer.fds)
            )
        except Refusal as refusal:
            reply = Message.new_error(call, refusal.name, refusal.text)
        finally:
            if not call.flags & MessageFlag.NO_REPLY_EXPECTED:
                self._outbox.send(reply)

    async def _dispatch(self, call: Message) -> Answer:
        if call.interface == OBJECT_MANAGER and call.member == "GetManagedObjects":
            return Answer("a{oa{sa{sv}}}", ({**self.objects},))
        path, interfaces = str(call.path), self.objects.get(str(call.path))
        if interfaces is None:
            raise Refusal(f"{DBUS}.Error.UnknownObject", f"no object at {path}")
        if call.interface == PROPERTIES:
            return await self._properties(call, path, interfaces)
        if call.interface not in interfaces:
            raise Refusal(f"{DBUS}.Error.UnknownMethod", f"no {call.interface} at {path}")
        return await self._on_call(call)

    async def _properties(
        self, call: Message, path: str, interfaces: Mapping[str, Properties]
    ) -> Answer:
        properties = interfaces.get(call.body[0], {})
        if call.member == "GetAll":
            return Answer("a{sv}", (dict(properties),))
        name = call.body[1]
        if call.member == "Set":
            await self._on_set(path, call.body[0], name, call.body[2].value)
            return Answer()
        if name not in properties:
            raise Refusal(f"{DBUS}.Error.InvalidArgs", f"no property {name} at {path}")
        return Answer("v", (properties[name],))
