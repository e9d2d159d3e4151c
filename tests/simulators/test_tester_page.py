"""A tester's button sets off one device; a switch breaks one link; strangers press nothing."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from plumbing.clock import HomeTime, Pace
from simulators.cable import Cable
from simulators.homes.answering import Answering
from simulators.homes.config import DeviceConfig
from simulators.homes.devices import MqttScale, ZigbeeSensor
from simulators.homes.diary import Diary, read_diary
from simulators.homes.home import SimulatedHome
from simulators.mqtt import Publication
from simulators.page.app import make_app
from simulators.pages import read_page
from simulators.people.body import Body, Retention
from simulators.people.person import Deed, SimulatedPerson, measured

PERSON = SimulatedPerson(
    id="margaret",
    name="Margaret Ellis",
    seed=7,
    body=Body(dry_weight_kg=71.4, retention=Retention(onset=date(2026, 3, 9))),
)
STILL = HomeTime(
    machine_start=datetime(2026, 1, 1, tzinfo=UTC),
    home_start=datetime(2026, 3, 9, 7, tzinfo=UTC),
    paces=(Pace(times=1e-9),),
)
"""A home in which it is always seven in the morning."""


class Scene:
    def __init__(self, folder: Path) -> None:
        self.sent: list[Publication] = []
        self.diary_file = folder / "diary.jsonl"
        self.diary = Diary(self.diary_file)
        self.home = SimulatedHome(
            PERSON,
            [
                MqttScale(
                    DeviceConfig(device="scales/bathroom", name="Scale", model="scale"),
                    self.sent.append,
                ),
                ZigbeeSensor(
                    DeviceConfig(
                        device="zigbee2mqtt/SOS button",
                        name="SOS button",
                        kind="zigbee2mqtt",
                        model="sos",
                    ),
                    self.sent.append,
                ),
            ],
            STILL,
            self.diary,
            cable=Cable(0, "127.0.0.1", 1),
            answering=Answering(PERSON, "http://127.0.0.1:1", STILL, self.diary, answers=True),
        )

    def browser(self, url: str = "http://127.0.0.1:8440") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=make_app(self.home))
        return httpx.AsyncClient(transport=transport, base_url=url)

    def get(self, path: str) -> httpx.Response:
        return asyncio.run(self._ask("GET", path))

    def post(
        self,
        path: str,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        url: str = "http://127.0.0.1:8440",
    ) -> httpx.Response:
        return asyncio.run(self._ask("POST", path, data=data, headers=headers, url=url))

    async def _ask(
        self, method: str, path: str, url: str = "http://127.0.0.1:8440", **more: Any
    ) -> httpx.Response:
        async with self.browser(url) as browser:
            return await browser.request(method, path, **more)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.diary.close()


def test_each_device_has_its_buttons_and_each_button_works(scene: Scene) -> None:
    forms = list(read_page(scene.get("/").text).forms_to("/devices/", ""))
    assert len(forms) == 2
    for form in forms:
        fields = dict.fromkeys(form.texts, "72.5")
        assert scene.post(form.action, data=fields).status_code == 303
    assert [one.topic for one in scene.sent] == ["scales/bathroom", "zigbee2mqtt/SOS button"]


def test_the_weight_is_the_testers(scene: Scene) -> None:
    scene.post("/devices/scales/bathroom/weighs", data={"weight": "75,2"})
    assert b'"weight": 75.2' in scene.sent[0].payload


def test_what_a_tester_does_is_in_the_diary(scene: Scene) -> None:
    scene.post("/devices/zigbee2mqtt/SOS%20button/presses")
    (entry,) = read_diary(scene.diary_file)
    assert (entry["who"], entry["did"], entry["device"]) == ("tester", "presses", "SOS button")
    assert "SOS button" in scene.get("/live").text


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        pytest.param("/devices/scales/bathroom/weighs", {"weight": "fat"}, 400, id="no number"),
        pytest.param("/devices/scales/bathroom/weighs", {"weight": "900"}, 400, id="no person"),
        pytest.param("/devices/scales/bathroom/weighs", {"weight": "nan"}, 400, id="nan"),
        pytest.param("/devices/scales/bathroom/presses", {}, 404, id="a scale with a button"),
        pytest.param("/devices/nothing/weighs", {}, 404, id="no such device"),
        pytest.param("/cable/cut", {}, 404, id="no such switch"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_sent(
    scene: Scene, path: str, fields: dict[str, str], status: int
) -> None:
    answer = scene.post(path, data=fields)
    assert answer.status_code == status
    assert "Back to the tester" in answer.text
    assert not scene.sent


def test_the_cable_is_plugged_in_and_pulled(scene: Scene) -> None:
    cable = scene.home.cable
    assert cable is not None

    async def play() -> None:
        async with scene.browser() as browser:
            await browser.post("/cable/plug")
            assert cable.plugged
            assert "Pull it out" in (await browser.get("/")).text
            await browser.post("/cable/pull")
            assert not cable.plugged
            assert "Plug it in" in (await browser.get("/")).text

    asyncio.run(play())


def test_the_person_stops_answering_and_answers_again(scene: Scene) -> None:
    assert scene.home.answering is not None
    for position, answers in (("off", False), ("on", True)):
        scene.post(f"/answers/{position}")
        assert scene.home.answering.answers is answers


JSON = {"Accept": "application/json"}


def weigh(scene: Scene) -> bytes:
    scene.post("/devices/scales/bathroom/weighs", data={"weight": "75.2"})
    return scene.sent[-1].payload


def test_a_fault_spoils_what_the_device_says_until_it_ends(scene: Scene) -> None:
    whole = weigh(scene)
    begun = scene.post("/faults/truncated", {"device": "scales/bathroom"}, JSON)
    assert begun.json() == {"fault": "truncated", "on": True, "devices": ["Scale"]}
    assert weigh(scene) == whole[: len(whole) // 2]
    ended = scene.post("/faults/truncated", {"off": "yes"}, JSON)
    assert ended.json() == {"fault": "truncated", "on": False, "devices": ["Scale", "SOS button"]}
    assert weigh(scene) == whole


def test_a_fault_without_a_device_is_of_all_that_can_have_it(scene: Scene) -> None:
    begun = scene.post("/faults/silent", headers=JSON)
    assert begun.json()["devices"] == ["Scale", "SOS button"]
    before = len(scene.sent)
    scene.post("/devices/scales/bathroom/weighs", data={"weight": "75.2"})
    scene.post("/devices/zigbee2mqtt/SOS%20button/presses")
    assert len(scene.sent) == before


def test_a_fault_that_holds_a_frame_back_gives_it_out_when_it_ends(scene: Scene) -> None:
    scene.post("/faults/reordered", {"device": "scales/bathroom"}, JSON)
    scene.post("/devices/scales/bathroom/weighs", data={"weight": "75.2"})
    assert not scene.sent
    scene.post("/faults/none", {"device": "scales/bathroom"}, JSON)
    assert b"75.2" in scene.sent[0].payload


def test_a_fault_is_chosen_on_the_page_and_is_shown_there(scene: Scene) -> None:
    forms = list(read_page(scene.get("/").text).forms_to("/faults", ""))
    assert [form.fixed["device"] for form in forms] == ["scales/bathroom", "zigbee2mqtt/SOS button"]
    assert "late" in forms[0].choices["fault"]
    scene.post("/faults", {**forms[0].fixed, "fault": "late"})
    assert '<option value="late" selected>' in scene.get("/").text
    assert "fault late: Scale" in scene.get("/live").text


@pytest.mark.parametrize(
    ("fault", "device", "said"),
    [
        pytest.param("gremlins", "", "truncated", id="no such fault"),
        pytest.param("unconfirmed", "scales/bathroom", "can't happen", id="none of its transport"),
        pytest.param("late", "scales/attic", "scales/attic", id="no such device"),
    ],
)
def test_a_fault_that_can_not_be_is_refused_in_words(
    scene: Scene, fault: str, device: str, said: str
) -> None:
    refused = scene.post(f"/faults/{fault}", {"device": device}, JSON)
    assert refused.status_code == 404
    assert said in refused.json()["error"]
    assert scene.post(f"/faults/{fault}", {"device": device}).status_code == 404


@pytest.mark.parametrize(
    ("illness", "deed", "metric", "low", "high"),
    [
        pytest.param("fever", Deed.TEMPERATURE, "body_temperature", 37.2, 39.0, id="fever"),
        pytest.param("low-glucose", Deed.GLUCOSE, "blood_glucose", 2.5, 3.6, id="low glucose"),
    ],
)
def test_an_illness_begins_and_ends_with_a_button(
    scene: Scene, illness: str, deed: Deed, metric: str, low: float, high: float
) -> None:
    well = measured(scene.home.person, deed, scene.home.now())
    scene.post(f"/illness/{illness}/begins")
    assert low <= measured(scene.home.person, deed, scene.home.now())[metric] <= high
    assert "Let it end" in scene.get("/live").text
    scene.post(f"/illness/{illness}/ends")
    after = measured(scene.home.person, deed, scene.home.now())
    assert not low <= after[metric] <= high
    assert not well or after == well


def test_an_illness_that_is_not_here_is_refused(scene: Scene) -> None:
    assert scene.post("/illness/plague/begins").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_a_page_of_another_site_presses_nothing(scene: Scene, headers: dict[str, str]) -> None:
    answer = scene.post("/devices/zigbee2mqtt/SOS%20button/presses", headers=headers)
    assert answer.status_code == 403
    assert not scene.sent


def test_a_page_under_another_name_presses_nothing(scene: Scene) -> None:
    """A name that its owner points at 127.0.0.1 makes a stranger's page ours for a browser."""
    answer = scene.post(
        "/cable/pull", url="http://evil.example:8440", headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/", "/live", "/static/tester.css", "/nowhere"])
def test_every_answer_forbids_other_hosts_and_inline_code(scene: Scene, path: str) -> None:
    policy = scene.get(path).headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/", "/live"])
def test_the_page_names_no_other_host(scene: Scene, path: str) -> None:
    assert "//" not in scene.get(path).text.replace("http://www.w3.org/2000/svg", "")
