import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
)
from bleak_retry_connector import BleakAbortedError, BleakNotFoundError
from dbus_fast import DBusError

from gateway.ble import words
from gateway.ble.words import in_words


@pytest.mark.parametrize(
    ("error", "says"),
    [
        pytest.param(
            BleakDBusError("org.bluez.Error.AuthenticationFailed", ["Authentication Failed"]),
            "pairing mode",
            id="pairing failed",
        ),
        pytest.param(
            BleakDBusError("org.bluez.Error.AuthenticationRejected", ["Rejected"]),
            "add the device to its settings",
            id="our own agent refused",
        ),
        pytest.param(
            BleakDBusError("org.bluez.Error.NotPermitted", ["Not paired"]),
            "paired first",
            id="no bond",
        ),
        pytest.param(
            BleakDBusError("org.bluez.Error.InProgress", ["In Progress"]),
            "restart bluetooth",
            id="InProgress for hours",
        ),
        pytest.param(
            BleakAbortedError("Cuff: Failed to connect: le-connection-abort-by-local"),
            "Move it closer",
            id="aborted",
        ),
        pytest.param(BleakNotFoundError("device not found"), "back to sleep", id="not found"),
        pytest.param(TimeoutError(), "in time", id="time-out"),
        pytest.param(
            DBusError("org.freedesktop.DBus.Error.ServiceUnknown", "not provided"),
            "systemctl start bluetooth",
            id="bluetoothd is not there",
        ),
        pytest.param(
            DBusError("org.freedesktop.DBus.Error.AccessDenied", "rejected send message"),
            "usermod -aG bluetooth",
            id="not allowed",
        ),
        pytest.param(
            BleakBluetoothNotAvailableError("none", BleakBluetoothNotAvailableReason.NO_BLUETOOTH),
            "Plug one in",
            id="no adapter",
        ),
        pytest.param(FileNotFoundError(2, "no socket"), "D-Bus", id="no bus"),
        pytest.param(EOFError(), "D-Bus", id="the bus went away"),
    ],
)
def test_an_error_says_what_to_do_next(error: BaseException, says: str) -> None:
    assert says in in_words(error)


def test_an_error_nobody_knows_is_quoted() -> None:
    assert "org.bluez.Error.Odd" in in_words(BleakDBusError("org.bluez.Error.Odd", ["x"]))


def test_the_stale_bond_is_told_and_nothing_is_said_to_be_removed() -> None:
    assert "pair it anew" in words.STALE_BOND
    assert "not removed" in words.STALE_BOND
