import msgspec
import pytest

from server import users
from server.config import Demo
from server.permissions import Role

pytestmark = [pytest.mark.processes, pytest.mark.anyio]


def known(sql) -> list[tuple]:
    return sql.execute("SELECT id, name, demo FROM users ORDER BY id").fetchall()


@pytest.fixture
def without_demo(config):
    return msgspec.structs.replace(config, demo=Demo(users=False))


async def test_users_of_the_demo_go_when_it_is_switched_off(
    rig_of, config, without_demo, sql
) -> None:
    async with rig_of(config) as rig:
        assert (await rig.sign_in("nurse")).status_code == 303
        cookies = dict(rig.http.cookies)
    async with rig_of(without_demo) as rig:
        assert known(sql) == []
        rig.http.cookies.update(cookies)
        assert (await rig.http.get("/api/v1/alerts")).status_code == 401


async def test_a_user_of_the_demo_never_takes_the_place_of_a_real_one(
    rig_of, config, without_demo, sql
) -> None:
    async with rig_of(without_demo) as rig:
        real = users.User(id="nurse", name="Real Nurse", role=Role.CLINICIAN, people=[])
        await users.put(rig.site.db, real, "a real password")
    async with rig_of(config) as rig:
        assert ("nurse", "Real Nurse", False) in known(sql)
        assert (await rig.sign_in("nurse", "demo")).status_code == 422
        assert (await rig.sign_in("nurse", "a real password")).status_code == 303
    async with rig_of(without_demo):
        assert known(sql) == [("nurse", "Real Nurse", False)]


async def test_a_person_taken_out_of_the_settings_may_not_sign_in_any_more(
    rig_of, config, sql
) -> None:
    async with rig_of(config):
        assert [row[0] for row in known(sql)] == ["joan", "margaret", "nurse"]
    fewer = msgspec.structs.replace(config, people=config.people[:1], gateways=config.gateways[:1])
    async with rig_of(fewer):
        assert [row[0] for row in known(sql)] == ["margaret", "nurse"]
