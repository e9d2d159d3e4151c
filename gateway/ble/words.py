"""What went wrong with Bluetooth, for the person who can do something about it.

BlueZ and bleak say it in D-Bus error names; each row turns one into what happened and what to do
next. The first row whose word is in the error is taken.
"""

from bleak.exc import BleakBluetoothNotAvailableError
from dbus_fast import DBusError

STALE_BOND = (
    "It closes each connection as soon as it opens. It has probably forgotten this gateway (new "
    "batteries, a reset, or paired with a phone since). Put it in pairing mode and pair it anew; "
    "the old bond is not removed by itself, since that can't be undone."
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
    ("Not paired", "It wants to be paired first. Put it in pairing mode and bring it close."),
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
    return HANGS if isinstance(error, TimeoutError) else in_words(error)


def in_words(error: BaseException) -> str:
    """What went wrong with a device, and what to do next: one or two sentences."""
    if isinstance(error, TimeoutError):
        return NO_ANSWER
    if isinstance(error, BleakBluetoothNotAvailableError):
        return NO_ADAPTER
    text = f"{error.type}: {error}" if isinstance(error, DBusError) else str(error)
    for word, sentence in _WORDS:
        if word in text:
            return sentence
    if isinstance(error, OSError | EOFError):
        return NO_BUS
    return f"Bluetooth said: {text or type(error).__name__}."
