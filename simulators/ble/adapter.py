"""org.bluez.Adapter1: power, and who is scanning with which filter."""

from collections.abc import Callable

from dbus_fast import Message, Variant

from simulators.ble.tree import NO, YES, Answer, Interfaces, ObjectTree, Refusal

ADAPTER = "org.bluez.Adapter1"
ADDRESS = "00:1A:7D:DA:71:13"


class Adapter:
    """One adapter. A client scans until it stops, leaves the bus, or the power goes.

    `single_minded`: it can't connect while it scans or makes another connection, as some can't.
    """

    def __init__(
        self, name: str, tree: ObjectTree, changed: Callable[[], None], *, single_minded: bool
    ) -> None:
        self.path = f"/org/bluez/{name}"
        self.powered = True
        self.linking = 0
        """Connections that are being made."""
        self._single_minded = single_minded
        self._name = name
        self._tree = tree
        self._changed = changed
        self._filters: dict[str, dict[str, object]] = {}
        self._scanning: set[str] = set()

    @property
    def listens(self) -> bool:
        return self.powered and bool(self._scanning)

    @property
    def is_busy(self) -> bool:
        return self._single_minded and (self.listens or self.linking > 0)

    @property
    def repeats(self) -> bool:
        """Whether someone wants to hear the same data again (DuplicateData, BlueZ's default)."""
        return any(
            self._filters.get(client, {}).get("DuplicateData", True) for client in self._scanning
        )

    def interfaces(self) -> Interfaces:
        return {
            ADAPTER: {
                "Address": Variant("s", ADDRESS),
                "AddressType": Variant("s", "public"),
                "Name": Variant("s", f"mock {self._name}"),
                "Alias": Variant("s", f"mock {self._name}"),
                "Class": Variant("u", 0),
                "Powered": Variant("b", self.powered),
                "Discoverable": NO,
                "DiscoverableTimeout": Variant("u", 180),
                "Pairable": YES,
                "PairableTimeout": Variant("u", 0),
                "Discovering": NO,
                "UUIDs": Variant("as", []),
                "Modalias": Variant("s", "usb:v1D6Bp0246d0542"),
                "Roles": Variant("as", ["central", "peripheral"]),
            }
        }

    async def set_filter(self, call: Message) -> Answer:
        self._must_be_on()
        self._filters[str(call.sender)] = {name: held.value for name, held in call.body[0].items()}
        return Answer()

    async def start_discovery(self, call: Message) -> Answer:
        self._must_be_on()
        if call.sender in self._scanning:
            raise Refusal("org.bluez.Error.InProgress", "Operation already in progress")
        self._scanning.add(str(call.sender))
        self._show()
        return Answer()

    async def stop_discovery(self, call: Message) -> Answer:
        self._must_be_on()
        if call.sender not in self._scanning:
            raise Refusal("org.bluez.Error.Failed", "No discovery started")
        self.forget(str(call.sender))
        return Answer()

    def forget(self, client: str) -> None:
        """That client scans no more."""
        self._filters.pop(client, None)
        self._scanning.discard(client)
        self._show()

    def set_power(self, on: bool) -> None:
        """Without power every scan ends, and none comes back with it."""
        self.powered = on
        if not on:
            self.clear()
        if self.path in self._tree.objects:
            self._tree.update(self.path, ADAPTER, {"Powered": Variant("b", on)})
            self._show()

    def clear(self) -> None:
        self._filters.clear()
        self._scanning.clear()

    def _show(self) -> None:
        self._changed()
        shown = self._tree.value(self.path, ADAPTER, "Discovering")
        if shown is not None and shown is not self.listens:
            self._tree.update(self.path, ADAPTER, {"Discovering": Variant("b", self.listens)})

    def _must_be_on(self) -> None:
        if not self.powered:
            raise Refusal("org.bluez.Error.NotReady", "Resource Not Ready")
