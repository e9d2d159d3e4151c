"""What went wrong with Bluetooth, for the person who can do something about it.

BlueZ and bleak say it in D-Bus error names; each row turns one into what happened and what to do
next. The first row whose word is in the error is taken.
"""

from pathlib import Path

from bleak.exc import BleakBluetoothNotAvailableError

from gateway.ble.stack import StackFailed

STALE_BOND = (
    "It closes each connection as soon as it opens. It has probably forgotten this gateway (new "
    "batteries, a reset, or paired with a phone since). Put it in pairing mode and pair it anew; "
    "the old bond is not removed by itself, since that can't be undone."
)
KEY_LOST = (
    "It does not know this gateway's key any more (a reset, new batteries, or paired with a phone "
    "since). Put it in pairing mode and erase the old bond: homebeat gateway unpair, with its "
    "address. No bond is erased by itself, since that can't be undone."
)
SAID_NOTHING = "Connected, but it sent nothing. That is normal if nothing was measured."
LOST_EARLY = (
    "The link ended before it sent anything. If it was paired just now, that is normal: measure "
    "once. Else move it closer to the gateway."
)
WRONG_CODE = (
    "The scale does not know this gateway's person (any more). Write its slot and code into the "
    "settings (`user_index`, `consent_code`): the maker's app shows them, or the scale's display."
)
NO_FREE_SLOT = (
    "The scale has no room for another person. Remove one in its menu or with its maker's app; it "
    "is tried again."
)
NOT_KEPT = (
    "The journal could not be written in time. What the device stores is still there, and is asked "
    "for again."
)
NO_SENSE = "It answered in a form that no device of its kind has. It is tried again."
STOPPED = "The Bluetooth service or its adapter stopped in the middle of it."
NO_BUS = (
    "The system's D-Bus can't be reached, so Bluetooth can't be used. Look at "
    "`systemctl status dbus`; in a container, mount /run/dbus."
)
NOT_PAIRED = "It wants to be paired first. Put it in pairing mode and bring it close."
OUT_OF_ITS_REACH = (
    "A proxy heard it and could not connect. Bring it closer to the proxy, and measure once more."
)
NO_FREE_LINK = (
    "Every proxy that hears it holds as many links as it can. It is tried again; if this stays, "
    "add a proxy, or raise `connection_slots` in that one's ESPHome configuration."
)
NOT_RUNNING = (
    "The Bluetooth service (bluetoothd) is not running. Start it: sudo systemctl start bluetooth."
)
HANGS = (
    "The Bluetooth service (bluetoothd) does not answer. Restart it: "
    "sudo systemctl restart bluetooth."
)
NO_ADAPTER = (
    "No Bluetooth adapter was found. Plug one in; `rfkill list` shows whether one is blocked."
)
SWITCHED_OFF = "The Bluetooth adapter is switched off. Switch it on: bluetoothctl power on."
NO_ANSWER = "It did not answer in time. It may be out of reach, or asleep again."

_WORDS = (
    ("PIN or key missing", KEY_LOST),
    (
        "AuthenticationRejected",
        "The pairing was refused by this gateway: add the device to its settings first.",
    ),
    (
        "Authentication",
        (
            "The pairing failed. Put the device in pairing mode (most cuffs and scales: hold the "
            "Bluetooth button until the sign blinks) and bring it close. If a code of six digits "
            "is printed on it, write it into the settings as its `passkey`; one that shows a new "
            "code each time can't be paired with a gateway that has no keys."
        ),
    ),
    (
        "Pairing failed",
        (
            "The pairing through a proxy failed. Put the device in pairing mode and bring it close "
            "to the proxy. A proxy has neither display nor keys: a device that asks for digits is "
            "paired with the gateway's own adapter."
        ),
    ),
    (
        "Pairing is not available",
        "That proxy's ESPHome is too old to pair: update it to 2024.3 or newer.",
    ),
    ("Insufficient authentication", NOT_PAIRED),
    ("ESP_GATT_CONN", OUT_OF_ITS_REACH),
    ("changed connection status", LOST_EARLY),
    ("available connection slot", NO_FREE_LINK),
    ("No free BLE connection slot", NO_FREE_LINK),
    ("Not paired", NOT_PAIRED),
    (
        "AccessDenied",
        "This user may not use Bluetooth: sudo usermod -aG bluetooth USER, then start anew.",
    ),
    ("ServiceUnknown", NOT_RUNNING),
    ("NameHasNoOwner", NOT_RUNNING),
    ("NoReply", STOPPED),
    ("NotReady", SWITCHED_OFF),
    (
        "InProgress",
        (
            "Bluetooth is busy with another connection. If this stays, restart it: "
            "sudo systemctl restart bluetooth."
        ),
    ),
    (
        "le-connection-abort-by-local",
        (
            "The connection was cut as it opened. Move it closer; a Wi-Fi or USB 3 device near the "
            "adapter disturbs it too."
        ),
    ),
    ("not found", "It was not there any more: it may have gone back to sleep."),
    ("UnknownObject", "It was not there any more: it may have gone back to sleep."),
    ("device disconnected", LOST_EARLY),
    ("connection abort", LOST_EARLY),
)


def adapter_unusable(transport: str, error: BaseException) -> str:
    """An adapter of our own stack that can't be opened."""
    return (
        f"The Bluetooth adapter {transport} can't be used ({str(error) or type(error).__name__}). "
        "Is it plugged in, free of other programs, and open to this user? [ble] transport names it."
    )


def adapter_gone(transport: str) -> str:
    return f"The Bluetooth adapter {transport} is gone. Plug it in again; it is tried again."


def nameless_adapter(transport: str) -> str:
    """Devices know us by the adapter's address: without one no bond would last."""
    return f"The Bluetooth adapter {transport} has no address of its own. Use another one."


def bonds_unreadable(path: Path) -> str:
    return (
        f"The bonds in {path} can't be read. Restore the file from a backup; or move it away, and "
        "pair each device anew."
    )


def missing_adapter(wanted: str) -> str:
    return f"There is no Bluetooth adapter {wanted}: compare `bluetoothctl list` and [ble] adapter."


def not_its_kind(title: str) -> str:
    """A device that does not offer what its kind does."""
    return (
        f"It does not offer what a device of its kind does ({title}). Look at `kind` in the "
        "settings; some devices need a second to show their services, so it is tried again."
    )


def refused_records(result: object) -> str:
    """A meter that does not give what it stored. `result` is its own code for why."""
    return (
        f"It does not give what it stored (its answer is {result}). Measure once more; if this "
        "stays, switch it off and on."
    )


def service_in_words(error: BaseException) -> str:
    """What went wrong with bluetoothd itself, and what to do next."""
    if isinstance(error, StackFailed):
        return str(error)
    return HANGS if isinstance(error, TimeoutError) else in_words(error)


def in_words(error: BaseException) -> str:
    """What went wrong with a device, and what to do next: one or two sentences."""
    if isinstance(error, TimeoutError):
        return NO_ANSWER
    if isinstance(error, BleakBluetoothNotAvailableError):
        return NO_ADAPTER
    name = getattr(error, "type", "")  # an error over D-Bus has a name beside its text
    text = f"{name}: {error}" if name else str(error)
    for word, sentence in _WORDS:
        if word in text:
            return sentence
    if isinstance(error, OSError | EOFError):
        return NO_BUS
    return f"Bluetooth said: {text or type(error).__name__}."
