from __future__ import annotations

from acceptance.dashboards.pictures.pages import judge_page, read_page, still_loading
from tests.acceptance.dashboards.pictures.pages import BARE, ERROR, KOREAN_NO_DATA, LOADING, NO_DATA, page, panel

TITLES = ["Gate", 'Best "Net" Spread & more', "Engine"]


def test_a_good_page_has_no_fault() -> None:
    """Panels that show data give no fault, whatever signs their titles have."""
    html = page(TITLES)

    assert [one.title for one in read_page(html)] == TITLES
    assert judge_page(html, TITLES) == ()
    assert still_loading(html, TITLES) == ()


def test_no_data_is_a_fault_with_its_panel() -> None:
    """Grafana's own message and the dashboards' own words for nothing are both found, in the panel they are in."""
    html = page(TITLES, {"Gate": NO_DATA, "Engine": KOREAN_NO_DATA})

    assert judge_page(html, TITLES) == (
        "panel 'Gate' shows no data: No data",
        "panel 'Engine' shows no data: no data / 데이터 없음",
    )


def test_a_panels_own_words_for_nothing_are_no_data() -> None:
    """The words "no run yet" are no data on the panel that says so, and may be a value on another."""
    said = '<div data-testid="data-testid panel content"><svg></svg><span>No run yet / 아직 실행 없음</span></div>'
    html = page(TITLES, {"Gate": said, "Engine": said})

    assert judge_page(html, TITLES, nothing={"Gate": {"no run yet / 아직 실행 없음"}, "Engine": {"never"}}) == (
        "panel 'Gate' shows no data: No run yet / 아직 실행 없음",
    )


def test_an_error_badge_is_a_fault_and_never_excused() -> None:
    """A badge counts even where the panel may be empty; being empty does not."""
    html = page(TITLES, {"Gate": ERROR, "Engine": NO_DATA})

    assert judge_page(html, TITLES, excused={"Gate": "why", "Engine": "why"}) == (
        "panel 'Gate' has an error badge: without a text",
    )


def test_a_missing_panel_is_a_fault() -> None:
    """A panel that the page lacks is named; a page without any, a login page for one, is one fault with its text."""
    html = "<html><style>x</style><body><form>Log in</form><script>y</script></body></html>"

    assert judge_page(page(["Gate"]), ["Gate", "Engine"]) == ("panel 'Engine' is not on the page",)
    assert judge_page(html, ["Gate", "Engine"]) == (
        "no panel at all on the page: a login page, or a Grafana without web pages? It says 'Log in'",
    )
    assert len(judge_page("", ["Gate"])) == 1


def test_what_never_finished_is_a_fault() -> None:
    """A panel that still loads, or has nothing in it, is waited for and then reported."""
    html = page(TITLES, {"Gate": LOADING, "Engine": BARE})

    assert still_loading(html, TITLES) == ("Gate", "Engine")
    assert judge_page(html, TITLES) == ("panel 'Gate' is still loading", "panel 'Engine' has nothing drawn")


def test_an_answer_that_is_bad_is_not_waited_for() -> None:
    """A badge or a message is an answer: the page is finished."""
    assert still_loading(page(TITLES, {"Gate": ERROR, "Engine": NO_DATA}), TITLES) == ()


def test_two_panels_of_one_title_must_both_be_there() -> None:
    """One finished panel does not stand for another of the same title."""
    html = page(["Gate"], {})

    assert still_loading(html, ["Gate", "Gate"]) == ("Gate", "Gate")


def test_text_outside_of_panels_and_in_scripts_does_not_count() -> None:
    """The words "No data" in a script or beside the panels are no fault, and an unclosed element hides none."""
    html = page(["Gate"], script="const text = 'No data'") + "<p>No data</p>"
    unclosed = panel("Gate").replace("</h2>", "") + panel("Engine", NO_DATA)

    assert judge_page(html, ["Gate"]) == ()
    assert judge_page(unclosed, ["Gate", "Engine"]) == ("panel 'Engine' shows no data: No data",)
