"""The air of a room: bumble's controllers on one link, with what the link of bumble leaves out."""

import asyncio

from bumble import core, hci
from bumble.controller import Connection, Controller
from bumble.link import LocalLink
from bumble.transport.common import TransportSink


class Air(LocalLink):
    """Carries what controllers say to one another, and can lose a link."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # bumble's has no annotation

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: core.PhysicalTransport,
        data: bytes,
    ) -> None:
        """From the address that the link has: bumble's takes every sender for a random one."""
        link = sender_controller.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address)
        if link is not None and receiver is not None:
            asyncio.get_running_loop().call_soon(
                receiver.on_link_acl_data, link.self_address, transport, data
            )

    def lose(self, controller: Controller) -> None:
        """Neither side hears the other any more, until both give up."""
        for link in tuple(controller.le_connections.values()):
            other = self._other_end(link)
            for end in (link, other):
                if end is not None:
                    end.controller.on_le_disconnected(
                        end, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
                    )

    def leave(self, controller: Controller) -> None:
        """It was pulled out, or its battery was."""
        self.lose(controller)
        self.controllers.discard(controller)

    def _other_end(self, link: Connection) -> Connection | None:
        other = self.find_le_controller(link.peer_address)
        return None if other is None else other.le_connections.get(link.self_address)


class Adapter(Controller):
    """A controller that can take back an attempt to connect, as real ones do."""

    def __init__(
        self, name: str, air: Air, address: str, host_sink: TransportSink | None = None
    ) -> None:
        public = hci.Address(address, hci.Address.PUBLIC_DEVICE_ADDRESS)
        super().__init__(name, host_sink=host_sink, link=air, public_address=public)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Core 5.4, Vol 4, Part E, 7.8.13: the attempt ends with Unknown Connection Identifier."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)
