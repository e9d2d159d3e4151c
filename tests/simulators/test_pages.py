"""A simulated person reads a page as a browser would show it."""

from simulators.pages import Form, read_page

PROMPT = """
<a href="/history">History</a>
<form method="post" action="/prompts/p1/answer">
  <input type="hidden" name="token" value="t&amp;1">
  <fieldset><legend>Ankles?</legend>
    <input type="radio" name="symptom.ankles_swollen" value="yes">
    <input type="radio" name="symptom.ankles_swollen" value="no">
  </fieldset>
  <textarea name="note"></textarea>
  <button name="send" value="1">Send</button>
</form>
<input name="outside" value="ignored">
<form action="/search"><select name="by"><option value="a"><option value="b"></select></form>
"""


def test_a_form_is_read_with_what_is_fixed_and_what_can_be_chosen() -> None:
    assert read_page(PROMPT).forms == (
        Form(
            action="/prompts/p1/answer",
            method="post",
            fixed={"token": "t&1"},
            choices={"symptom.ankles_swollen": ("yes", "no"), "send": ("1",)},
            texts=("note",),
        ),
        Form(action="/search", method="get", fixed={}, choices={"by": ("a", "b")}),
    )


def test_links_are_read_in_order() -> None:
    assert read_page(PROMPT).links == ("/history",)


def test_forms_are_found_by_where_they_lead() -> None:
    page = read_page(PROMPT)
    assert [form.action for form in page.forms_to("/prompts/", "/answer")] == ["/prompts/p1/answer"]
    assert not list(page.forms_to("/alerts/", "/acknowledge"))


def test_broken_markup_is_read_as_far_as_it_goes() -> None:
    assert read_page('<form action="/x"><input name=a value=1').forms[0].action == "/x"
