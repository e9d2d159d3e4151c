"""Where the demo listens: at the usual addresses for a person, elsewhere for a check."""

from msgspec.structs import astuple

from simulators.demo.settings import Ports, choose_ports


def test_a_check_listens_at_no_port_of_a_demo_and_at_none_twice() -> None:
    ports = astuple(choose_ports(usual=False))
    assert len(set(ports)) == len(ports)
    assert not set(ports) & set(astuple(Ports()))
