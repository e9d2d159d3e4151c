"""The home's Bluetooth devices, as its settings name them."""

from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

COLONS_OF_AN_ADDRESS = 5


@dataclass(frozen=True, slots=True)
class Slot:
    """Under which a scale keeps a person, and the code that opens it."""

    user_index: int
    consent_code: int


@dataclass(frozen=True, slots=True)
class UserData:
    """What a scale is told of its person, to work out more than the weight. Only what is set."""

    first_name: str = ""
    born: date | None = None
    gender: str = ""
    """A word of the user data service: male, female, unspecified."""
    height_cm: int | None = None


@dataclass(frozen=True, slots=True)
class BleDevice:
    """One Bluetooth device of the home. `kind` is a key of the catalogue.

    Without a kind its advertisements are heard, and it is never visited. `address` may be the name
    under which it advertises instead, or the beginning of it: some change their address between
    pairing and transfer. `zone` is where its clock is.
    """

    address: str
    kind: str
    name: str
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    passkey: int | None = None
    """The six digits printed on it, where it asks for them when it pairs."""
    slot: Slot | None = None
    """Made elsewhere, on a scale that keeps people apart."""
    user: UserData | None = None
    """None: the scale is told nothing of the person."""
    delete_records: bool = False
    """What was kept here is deleted there. Other apps of the person may want it."""

    @property
    def is_named(self) -> bool:
        """Whether `address` is a name."""
        return self.address.count(":") != COLONS_OF_AN_ADDRESS

    @property
    def id(self) -> str:
        """How its values are marked: its address in upper case, or its name."""
        return self.address if self.is_named else self.address.upper()


@dataclass(frozen=True, slots=True)
class Proxy:
    """An ESPHome node that listens elsewhere in the house. `key`: base64, empty: plain text."""

    name: str
    host: str
    port: int
    key: str = field(default="", repr=False)
