"""How a simulated device pairs: by its own rule, whatever the other side can do."""

from bumble.pairing import PairingConfig, PairingDelegate
from bumble.smp import ErrorCode, PairingMethod, Session

from simulators.ble.peripheral import Pairing, Peripheral

SHOWS = {
    Pairing.CONFIRM: PairingDelegate.IoCapability.DISPLAY_OUTPUT_AND_YES_NO_INPUT,
    Pairing.PASSKEY: PairingDelegate.IoCapability.DISPLAY_OUTPUT_ONLY,
}
"""What the device has; the others have neither display nor keys."""


class Rule(PairingDelegate):
    def __init__(self, peripheral: Peripheral) -> None:
        super().__init__(
            SHOWS.get(peripheral.pairing, PairingDelegate.IoCapability.NO_OUTPUT_NO_INPUT)
        )
        self._peripheral = peripheral

    async def accept(self) -> bool:
        return self._peripheral.pairing is not Pairing.REFUSED

    async def generate_passkey(self) -> int:
        return self._peripheral.passkey


class StrictSession(Session):
    """Refuses to pair without digits where the device wants them (Core 5.4, Vol 3, Part H, 2.3.1:
    Authentication Requirements). bumble's own takes what it gets."""

    def send_pairing_response_command(self) -> None:
        if self.mitm and self.pairing_method is PairingMethod.JUST_WORKS:
            self.send_pairing_failed(ErrorCode.AUTHENTICATION_REQUIREMENTS)
        else:
            super().send_pairing_response_command()


def agreement(peripheral: Peripheral) -> PairingConfig:
    wants_digits = peripheral.pairing in SHOWS
    return PairingConfig(sc=True, mitm=wants_digits, bonding=True, delegate=Rule(peripheral))
