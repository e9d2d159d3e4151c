"""Every page in a real browser: what it says, that it can be used, and a picture of it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

Care = Any
"""The fixture of conftest.py."""


def at_worklist(page: Page) -> None:
    expect(page.get_by_role("link", name="Home of Walter")).to_be_visible(timeout=20_000)


def at_alert_of(person: str) -> Callable[[Page], None]:
    def go(page: Page) -> None:
        at_worklist(page)
        page.get_by_role("link", name=person).first.click()
        page.wait_for_url("**/alerts/*")

    return go


def at_person(person: str) -> Callable[[Page], None]:
    def go(page: Page) -> None:
        page.get_by_role("link", name=person).last.click()
        page.wait_for_url("**/people/*")

    return go


NURSE_PAGES = {
    "worklist": at_worklist,
    "alert": at_alert_of("Margaret Ellis"),
    "alert-emergency": at_alert_of("Idris Bevan"),
    "alert-pressure": at_alert_of("Joan Hart"),
    "alert-fall-of-weight": at_alert_of("Amal Haddad"),
    "alert-kit": at_alert_of("Home of Walter"),
    "person": at_person("Margaret Ellis"),
    "person-without-readings": at_person("Walter"),
}


@pytest.mark.parametrize("name", NURSE_PAGES)
def test_a_page_of_staff_is_accessible_fits_and_has_its_picture(
    morning: Care, pictures: Callable[..., None], name: str
) -> None:
    page = morning.signed_in()
    NURSE_PAGES[name](page)
    pictures(page, name)


def test_the_sign_in_page_is_accessible_with_and_without_a_mistake(
    morning: Care, open_browser: Callable[..., Any], faults: Any, pictures: Callable[..., None]
) -> None:
    faults.expected = ("status of 422",)
    page = open_browser().new_page()
    page.goto(f"{morning.server.url}/people/joan")
    pictures(page, "sign-in")
    page.get_by_label("User name").fill("nurse")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("The user name or the password is wrong")
    pictures(page, "sign-in-wrong", [1280, 320])
    summary.get_by_role("link").click()
    expect(page.get_by_label("User name")).to_be_focused()
    page.get_by_label("Password", exact=True).fill("demo")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Joan Hart, born 1951")


def test_a_person_sees_their_own_page_and_nobody_else_s(
    morning: Care, faults: Any, pictures: Callable[..., None]
) -> None:
    faults.expected = ("status of 403",)
    page = morning.signed_in("Margaret Ellis")
    expect(page).to_have_url(f"{morning.server.url}/people/margaret")
    expect(page.get_by_role("heading", level=1)).to_have_text("Margaret Ellis")
    headings = page.get_by_role("heading", level=2)
    expect(headings.first).to_have_text("What matters to you")
    pictures(page, "own")
    page.goto(f"{morning.server.url}/people/joan")
    expect(page.get_by_role("heading", level=1)).to_have_text("This page is not for you")
    pictures(page, "refused", [320])
    page.get_by_role("link", name="Go to your first page").click()
    expect(page).to_have_url(f"{morning.server.url}/people/margaret")


def test_targets_of_the_person_s_page_are_44_px(morning: Care) -> None:
    page = morning.signed_in("Margaret Ellis", viewport={"width": 375, "height": 800})
    targets = page.locator("a:visible, button:visible, summary:visible")
    small = [
        (target.inner_text(), box)
        for target in targets.all()
        if (box := target.bounding_box()) and 1 < box["height"] < 44
    ]
    assert small == []


@pytest.mark.parametrize(
    ("name", "options", "change"),
    [
        pytest.param("forced-colours", {"forced_colors": "active"}, "", id="forced-colours"),
        pytest.param(
            "text-200", {}, "document.documentElement.style.fontSize = '200%'", id="text-at-200"
        ),
        pytest.param("right-to-left", {}, "document.documentElement.dir = 'rtl'", id="rtl"),
        pytest.param(
            "zoom-400", {"viewport": {"width": 320, "height": 256}}, "", id="zoomed-to-400"
        ),
    ],
)
@pytest.mark.parametrize("of", ["worklist", "alert", "own"])
def test_pages_hold_for_those_who_see_them_otherwise(
    morning: Care,
    pictures: Callable[..., None],
    name: str,
    options: dict[str, Any],
    change: str,
    of: str,
) -> None:
    if of == "own":
        page = morning.signed_in("Margaret Ellis", **options)
    else:
        page = morning.signed_in(**options)
        NURSE_PAGES[of](page)
    if change:
        page.evaluate(change)
    width = options.get("viewport", {"width": 1280})["width"]
    pictures(page, f"{of}-{name}", [width])


def test_the_alert_says_why_with_its_numbers_its_counterfactual_and_its_source(
    morning: Care,
) -> None:
    page = morning.signed_in()
    at_alert_of("Margaret Ellis")(page)
    main = page.get_by_role("main")
    expect(main).to_contain_text("weight 72.4 kg, up 2.3 kg from 70.1 kg in 84 hours")
    expect(main).to_contain_text("Would not have fired with the answer no to “Ankles more swollen”")
    expect(main).to_contain_text("The questions would not have been asked at 72.0 kg or below")
    expect(main).to_contain_text("weight-gain-with-symptom, version 7")
    expect(main).to_contain_text("Weight threshold and any symptom is urgent")
    expect(main).to_contain_text("Margaret is told at home that Sam has seen this")
    yes = page.get_by_role("listitem").filter(has_text="Are your ankles more swollen")
    expect(yes).to_contain_text("Yes")
    expect(yes).to_contain_text("this alert rests on it")
    chart = page.get_by_role("img", name="Weight in kg")
    expect(chart).to_have_accessible_description(
        "Weight: 13 readings from 18 February to 3 March. Lowest 69.9 kg, highest 72.4 kg, latest "
        "72.4 kg. A dashed line marks a limit: Fires above 72.0 kg."
    )
    page.get_by_text("The numbers of this chart in a table").click()
    table = page.get_by_role("table", name="Weight, newest first")
    expect(table.get_by_role("row")).to_have_count(14)
    expect(table.get_by_role("row").nth(1)).to_contain_text("72.4")


def test_what_matters_comes_before_any_number_of_the_body(morning: Care) -> None:
    page = morning.signed_in()
    at_alert_of("Margaret Ellis")(page)
    headings = page.get_by_role("main").get_by_role("heading", level=2).all_inner_texts()
    assert headings[0] == "What matters to Margaret"
    at_person_page = morning.signed_in("Margaret Ellis")
    headings = at_person_page.get_by_role("main").get_by_role("heading", level=2).all_inner_texts()
    assert headings[0] == "What matters to you"


def test_no_page_says_that_all_is_well_or_that_someone_watches(morning: Care) -> None:
    page = morning.signed_in()
    for go in NURSE_PAGES.values():
        page.goto(morning.server.url)
        go(page)
        words = page.locator("body").inner_text().lower()
        assert not re.search(r"\bok\b", words.replace("are you ok?", ""))
        assert "watching" not in words
        assert "monitored" not in words


def test_a_page_prints_with_its_chart_and_its_numbers(morning: Care) -> None:
    page = morning.signed_in()
    at_alert_of("Margaret Ellis")(page)
    page.emulate_media(media="print")
    expect(page.get_by_role("img", name="Weight in kg")).to_be_visible()
    expect(page.get_by_role("cell", name="72.4")).to_be_visible()
    expect(page.get_by_role("button", name="I’m on it")).to_be_hidden()
