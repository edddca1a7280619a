"""Exhibits of early warning show themselves, say why there is none, and state the settings that they were made with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from loantap.data.panel import Panel
from loantap.exhibits import early_warning as exhibits
from loantap.exhibits import watch_page
from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.warning_sentences import record
from loantap.model.economics import Economics
from loantap.model.persistence import load_model
from loantap.watchlist import drift as stability
from loantap.watchlist.backtest import Backtest, backtest, why_not
from loantap.watchlist.live import Live, synthetic_live
from loantap.watchlist.month import Month, watch_month
from loantap.watchlist.settings import Settings, read_settings
from loantap.watchlist.signals import Probabilities
from loantap.watchlist.worklist import Acting, act

EARLY, HORIZON = 20, 4


@dataclass(frozen=True)
class Made:
    """What the notebook has when it publishes."""

    live: Live
    month: Month
    acting: Acting
    settings: Settings
    judged: Backtest | None
    found: dict[str, Any]
    known: Probabilities


def make(live: Live, known: Probabilities, settings: Settings, confidence: float = 0.5) -> Made:
    last = len(live.panel.months) - 1

    def of(panel: Panel, positions: Sequence[int]) -> Probabilities:
        rows = np.searchsorted(live.panel.loan_id, panel.loan_id)
        return Probabilities(known.at_application[rows], known.now[rows][:, list(positions)])

    month = watch_month(
        live.panel, last, probabilities=of, applications=live.applications, without_arrears=True,
        settings=settings
    )  # fmt: skip
    judged = backtest(
        live.panel, settings=settings, repetitions=50, random_state=0, confidence=confidence, probability_now=known.now
    )
    acting = act(
        month,
        applications=live.applications,
        risk=pd.Series(0.2, live.panel.loan_id),
        economics=Economics(),
        saved=settings.acting,
    )
    found = record(live, month, judged, why_not(live.panel, settings=settings), settings, confidence=confidence)
    return Made(live, month, acting, settings, judged, found, known)


@pytest.fixture(scope="module")
def made(loans: pd.DataFrame, model_folder) -> Iterator[Made]:
    """Early warning of invented loans under settings and limits that are no defaults, which stay patched."""
    known = read_settings()
    judging = known.backtest.model_copy(update={"early_days": EARLY, "horizon": HORIZON})
    model = load_model(model_folder)
    live = synthetic_live(loans, model, most=800, months=22)
    at = model.probability(live.applications)
    now = np.broadcast_to(at[:, np.newaxis], live.panel.dti.shape)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("AMBER", 0.05), ("RED", 0.15), ("TOLERANCE", (0.5, 3))):
            patch.setattr(stability, name, value)
        yield make(live, Probabilities(at, now), known.model_copy(update={"backtest": judging}))


@pytest.fixture(scope="module")
def undated(made: Made) -> Made:
    """The same of snapshots that do not tell days past due."""
    live = replace(made.live, panel=replace(made.live.panel, days_past_due=None), truth=None)
    return make(live, made.known, made.settings)


def all_of(made: Made) -> list[Exhibit]:
    """Return every exhibit of the notebook."""
    panel, month, dated = made.live.panel, made.month, made.live.panel.days_past_due is not None
    level = made.found["confidence"]
    terms = ["installment_before", "installment", "months", "dti_before", "dti_after", "expected_cost"]
    grouped = made.acting.offers.dropna(subset="installment").groupby("offer", sort=False)
    medians = grouped[terms].median().assign(n=grouped.size()).reset_index()
    watched = exhibits.as_months(made.judged.by_month).assign(precision=0.5, recall=0.5) if made.judged else None
    training = {"dti": made.live.applications["dti"], "revol_util": made.live.applications["revol_util"]}
    term = made.live.applications["term"].to_numpy(dtype=float)
    outcomes = stability.calibration_drift(panel, made.known.at_application, term, confidence=level) if dated else None
    return [
        exhibits.source(made.live),
        exhibits.lights(month, made.settings),
        exhibits.watchlist(month, panel),
        exhibits.changes(month),
        exhibits.offers(made.acting.offers),
        exhibits.offer_medians(medians, made.acting.offers),
        exhibits.warned(made.found),
        exhibits.performance(made.judged, made.found, panel),
        exhibits.every_setting(made.judged, made.found, panel),
        exhibits.trade_off(made.judged, made.found, panel),
        exhibits.months(watched, made.found, panel),
        exhibits.drift(exhibits.as_months(stability.drift(panel, training, confidence=level)), panel, confidence=level),
        exhibits.calibration(outcomes, panel, confidence=level),
        exhibits.truth(made.live, month.watchlist, len(panel.months) - 1),
    ]


def words(exhibit: Exhibit) -> str:
    return " ".join([exhibit.text, exhibit.title, exhibit.caption, exhibit.alt, getattr(exhibit.notice, "text", "")])


def by_name(made: Made) -> dict[str, Exhibit]:
    return {exhibit.name: exhibit for exhibit in all_of(made) if exhibit.name}


def test_every_exhibit_shows_itself(made: Made, monkeypatch: pytest.MonkeyPatch):
    told: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda one, **_: told.append(one))
    for exhibit in all_of(made):
        before = len(told)
        exhibit._ipython_display_()
        assert len(told) > before, exhibit
    figures = [exhibit.name for exhibit in all_of(made) if exhibit.figure is not None]
    assert figures == ["warning-trade-off", "warning-months", "warning-drift", "warning-calibration"]


def test_numbers_that_are_shown_are_no_texts(made: Made):
    for exhibit in (one for one in all_of(made) if one.table is not None):
        assert set(exhibit.columns) <= set(exhibit.table.columns)
        numbers = exhibit.table[list(exhibit.columns)].select_dtypes("number").columns
        assert [name for name in numbers if exhibit.columns[name] == "text"] == [], exhibit.name


def test_no_word_of_the_default_settings_is_left(made: Made):
    said = " ".join(words(exhibit) for exhibit in all_of(made))
    for default in (
        "95%",
        "30 days late",
        "6 months after",
        "within 6 months",
        "from 0.10",
        "from 0.25",
        "0.8 to 1.25",
    ):
        assert default not in said, default
    for stated in ("50% intervals", "(50% interval", f"less than {EARLY} days late", f"{EARLY} or more days past due",
                   f"within {HORIZON} months", "amber from 0.05 and red from 0.15", "within 0.5 to 3", "more than 50% of months"):  # fmt: skip
        assert stated in said, stated


def test_the_confidence_reaches_every_interval_and_the_level_of_chance(made: Made):
    usual = make(made.live, made.known, made.settings, confidence=0.95)
    (half, wide), narrower = ([by_name(one) for one in (made, usual)], 0)
    for name, low, high in (
        ("warning-performance", "precision_low", "precision_high"),
        ("warning-performance", "recall_low", "recall_high"),
        ("warning-calibration", "ci_low", "ci_high"),
        ("warning-calibration", "change_low", "change_high"),
    ):
        spans = [shown[name].table[high] - shown[name].table[low] for shown in (half, wide)]
        known = spans[1].notna() & (spans[1] > 0)
        assert (spans[0] < spans[1])[known].all(), (name, low)
        narrower += known.sum()
    assert narrower
    chance = [shown["warning-drift"].table["chance_high"].dropna() for shown in (half, wide)]
    assert (chance[0] < chance[1]).all()
    pairs = [one.judged.comparisons for one in (made, usual)]
    spans = [table["beyond_chance_high"] - table["beyond_chance_low"] for table in pairs]
    assert (spans[0] <= spans[1]).all()
    assert (spans[0] < spans[1]).any()
    assert "(50% interval " in made.found["sentence"]
    assert "(95% interval " in usual.found["sentence"]


def test_invented_snapshots_are_noticed_and_real_ones_not(made: Made, undated: Made):
    assert exhibits.source(made.live).notice == watch_page.INVENTED
    assert exhibits.source(undated.live).notice is None


def test_without_days_past_due_exhibits_say_why_there_is_nothing_to_show(undated: Made):
    assert undated.judged is None
    assert set(by_name(undated)) == {
        "watchlist", "watchlist-lights", "watchlist-changes", "watchlist-offers", "watchlist-offers-medians", "warning-drift",
    }  # fmt: skip
    for exhibit in all_of(undated)[7:11]:
        assert (
            exhibit.text
            == "No back-test: the snapshots do not tell days past due, so nobody knows which loans defaulted."
        )
    assert exhibits.calibration(None, undated.live.panel, confidence=0.5).text.startswith(
        "The snapshots do not tell days past due"
    )
    assert undated.found["performance"] == []
    assert undated.found["sentence"].endswith(undated.found["why_not"])


def test_a_title_counts_what_the_table_holds(made: Made):
    shown = by_name(made)
    lights = shown["watchlist"].table["light"].value_counts()
    assert shown["watchlist"].title.startswith(f"{lights.get('red', 0)} red, {lights.get('amber', 0)} amber, ")
    assert shown["watchlist"].title.endswith(f"loans to look at in {made.month.month}")
    table = shown["warning-calibration"].table
    assert shown["warning-calibration"].title.startswith(f"{table['defaults'].sum()} loan")
    drifted = shown["warning-drift"].table
    last = drifted[drifted["month"] == drifted["month"].iloc[-1]]
    for row in last.to_dict("records"):
        assert (f"{row['variable']} (" in shown["warning-drift"].title) == (row["light"] != "green")


def test_a_panel_too_short_to_be_halved_is_not_said_to_have_earlier_months(made: Made):
    panel = made.live.panel
    short = Panel(panel.loan_id, panel.months[-11:], *(values[:, -11:] for values in (panel.dti, panel.revol_util, panel.balance, panel.days_past_due)))  # fmt: skip
    known = replace(made.known, now=made.known.now[:, -11:])
    one = make(replace(made.live, panel=short), known, made.settings)
    assert one.judged is not None
    shown = by_name(one)
    assert shown["warning-trade-off"].caption.startswith("On all months; baselines alert as often")
    assert shown["warning-months"].caption.startswith("Lights of the settings as they are on loans")


def test_what_the_run_holds_is_what_was_said(made: Made):
    assert made.found["sentence"] in exhibits.warned(made.found).text.replace("\\", "")
    assert made.found["confidence"] == made.judged.confidence == 0.5
    assert made.found["lights"] == made.month.lights.to_dict("records")


def test_months_become_texts():
    table = pd.DataFrame({"month": np.array(["2016-05", "2016-12"], dtype="datetime64[M]")})
    assert exhibits.as_months(table)["month"].tolist() == ["2016-05", "2016-12"]


def test_the_lines_are_the_frontier_of_the_rule_and_all_of_the_baselines(made: Made):
    tried = made.judged.trade_off
    lines = {
        line.get_label(): len(line.get_xdata()) for line in by_name(made)["warning-trade-off"].figure.axes[0].lines
    }
    assert lines["rule"] == tried["frontier"].sum()
    assert lines["caps alone"] == (tried["method"] == "caps").sum()


def test_the_medians_of_an_offer_are_of_whole_months_and_cents(made: Made):
    medians = pd.DataFrame(
        {"offer": ["longer"], "n": [3], "installment": [80.125], "months": [57.5], "expected_cost": [12.345]}
    )
    shown = exhibits.offer_medians(medians, made.acting.offers)
    assert str(shown.table["months"].iloc[0]) == "58"
    assert shown.table["expected_cost"].tolist() == [12.34]
