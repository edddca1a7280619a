"""Points, lights and reasons by hand; settings that are refused by name."""

import copy
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from loantap.errors import InputError
from loantap.settings import reference_dir
from loantap.watchlist.lights import evaluate, light_codes, signal_points
from loantap.watchlist.settings import FILE_NAME, SIGNALS, Settings, Thresholds, read_settings

NA = float("nan")
FILE = reference_dir() / FILE_NAME
RAW = yaml.safe_load(FILE.read_text("utf-8")) | {"amber_points": 2, "red_points": 4}
SETTINGS = Settings.model_validate(RAW)


def loans(*signals: dict) -> pd.DataFrame:
    """Return signals of loans; what is not given is not known."""
    others = {"days_past_due": NA, "forbearance": False, "known_in": ""}
    return pd.DataFrame([dict.fromkeys(SIGNALS, NA) | others | one for one in signals], columns=[*SIGNALS, *others])


def judged(**signals: float) -> pd.Series:
    return evaluate(loans(signals), settings=SETTINGS).iloc[0]


def test_a_signal_has_a_point_above_amber_and_two_above_red():
    frame = loans(*({"dti": dti} for dti in (NA, 30, 30.01, 40, 40.01)))
    assert signal_points(frame, settings=SETTINGS)[0].tolist() == [0, 0, 1, 1, 2]


def test_days_past_due_set_a_floor_from_their_limits_on():
    frame = loans(*({"days_past_due": days} for days in (NA, 0, 1, 29, 30, 89)))
    assert evaluate(frame, settings=SETTINGS)["light"].tolist() == ["green", "green", "amber", "amber", "red", "red"]
    assert signal_points(frame, settings=SETTINGS).sum() == 0


def test_forbearance_is_amber_at_least():
    assert judged(forbearance=True)["light"] == "amber"
    assert judged(forbearance=True)["reasons"] == "in forbearance"
    assert judged(forbearance=True, dti=45, revol_util=97)["light"] == "red"


def test_lights_follow_from_the_sum_of_points():
    assert judged(dti=35)["light"] == "green"  # 1
    assert judged(dti=35, util_trend=2)["light"] == "amber"  # 1 + 1
    assert judged(dti=45, dti_trend=0.7)["light"] == "amber"  # 2 + 1
    assert judged(dti=45, dti_trend=0.7, revol_util=81)["light"] == "red"  # 2 + 1 + 1
    assert judged(dti=45, dti_trend=0.7, revol_util=81)["points"] == 4


@given(st.integers(0, 89), st.lists(st.sampled_from(SIGNALS), unique=True))
def test_points_never_undercut_a_floor_and_may_raise_it(days: int, rising: list[str]):
    """Each sign that is added leaves the light as it is or makes it worse."""
    codes = [("green", "amber", "red").index(judged(days_past_due=days, **dict.fromkeys(rising[:k], 1e6))["light"]) for k in range(len(rising) + 1)]  # fmt: skip
    assert codes == sorted(codes)
    assert codes[0] == (days >= 1) + (days >= 30)


def test_a_clean_loan_stays_green():
    clean = dict.fromkeys(SIGNALS, 0.0) | {"dti": 18.0, "revol_util": 45.0, "inquiries": 1.0}
    assert judged(days_past_due=0, **clean)["light"] == "green"


def test_a_loan_that_nothing_is_known_of_is_green():
    assert judged()["light"] == "green"
    assert judged()["reasons"] == ""


def test_reasons_are_told_in_words_the_strongest_first():
    # Red before amber; of the reds utilisation lies 24/8 = 3 times and debt-to-income 41.2/40 = 1.03 times its threshold.
    row = judged(dti=41.2, util_trend=2.14, util_acceleration=24, revol_util=93, probability_change=0.083)
    assert row["reasons"].split("; ") == [
        "utilisation rising faster, by 24.0 points a month more",
        "debt-to-income 41.2%, above 40%",
        "utilisation 93.0%, above 80%",
        "probability of default up by 8.3 points since the application",
        "utilisation rising by 2.1 points a month",
    ]


def test_days_past_due_that_make_the_light_red_come_first():
    row = judged(dti=400, days_past_due=31, dti_acceleration=1.5)
    assert row["reasons"] == (
        "31 days past due; debt-to-income 400.0%, above 40%; debt-to-income rising faster, by 1.5 points a month more"
    )


def test_every_loan_gets_its_own_reasons_and_green_ones_none():
    frame = loans({"dti": 45}, {"dti": 35}, {"dti_trend": 0.72, "days_past_due": 12})
    assert evaluate(frame, settings=SETTINGS)["reasons"].tolist() == [
        "debt-to-income 45.0%, above 40%",
        "",
        "12 days past due; debt-to-income rising by 0.7 points a month",
    ]


def test_days_that_are_carried_say_of_when_they_are():
    assert judged(days_past_due=1, known_in="2016-05")["reasons"] == "1 day past due (known in 2016-05)"


def test_no_loans_are_no_error():
    assert evaluate(loans(), settings=SETTINGS).empty
    assert evaluate(loans({"dti": 1}), settings=SETTINGS)["light"].tolist() == ["green"]


def test_the_signals_are_left_as_they_were():
    frame = loans({"dti": 45})
    before = frame.copy()
    evaluate(frame, settings=SETTINGS)
    pd.testing.assert_frame_equal(frame, before)


random_signals = arrays(float, (len(SIGNALS), 20), elements=st.one_of(st.floats(0, 120), st.just(NA)))


@given(random_signals, st.floats(1, 3), st.integers(0, 3), st.sampled_from(SIGNALS))
def test_stricter_settings_never_raise_an_alert(values: np.ndarray, factor: float, more: int, one: str):
    frame = pd.DataFrame(dict(zip(SIGNALS, values, strict=True)))
    limits = SETTINGS.signals.of(one)
    higher = Thresholds(amber=factor * limits.amber, red=factor * limits.red)
    raised = SETTINGS.signals.model_copy(update={one: higher})
    for stricter in (
        SETTINGS.stricter(factor),
        SETTINGS.with_points(2 + more, 4 + more),
        SETTINGS.model_copy(update={"signals": raised}),
    ):
        before, after = (
            light_codes(signal_points(frame, settings=settings), np.zeros(20), settings=settings)
            for settings in (SETTINGS, stricter)
        )
        assert (after <= before).all()


def test_floors_are_not_made_stricter():
    stricter = SETTINGS.stricter(2)
    assert stricter.floors == SETTINGS.floors
    assert (stricter.signals.dti.amber, stricter.signals.probability_change.red) == (60, 0.2)


def test_the_projects_settings_can_be_read():
    assert set(type(read_settings().signals).model_fields) == set(SIGNALS)


def written(folder: Path, place: str, value: object) -> Path:
    raw = copy.deepcopy(RAW)
    *parents, last = place.split(".")
    inner: dict = raw
    for parent in parents:
        inner = inner[parent]
    inner[last] = value
    path = folder / "changed.yml"
    path.write_text(yaml.safe_dump(raw), "utf-8")
    return path


def complaint(path: Path) -> str:
    try:
        read_settings(path)
    except InputError as error:
        return str(error)
    return ""


BOUNDS = re.findall(r"^( *)(\w+):.*\[([\d.]+)\.\.([\d.]+)\]", FILE.read_text("utf-8"), flags=re.MULTILINE)


def test_every_setting_tells_its_bounds():
    sections = [*RAW["delivery"], *RAW["backtest"], *RAW["acting"], "relative", "absolute", "backstop_days"]
    whole = ["window", "carry", "probation", "floors", "amber_points", "red_points"]
    assert {name for _, name, _, _ in BOUNDS} == {*SIGNALS, *whole, *sections}


@pytest.mark.parametrize(("indent", "name", "low", "high"), BOUNDS)
def test_the_bounds_that_the_file_tells_are_those_that_hold(
    indent: str, name: str, low: str, high: str, tmp_path: Path
):
    smallest, largest = float(low), float(high)
    if name in SIGNALS or name == "floors":
        place = f"signals.{name}" if name in SIGNALS else name
        wrong = [{"amber": smallest * 0.99, "red": largest}, {"amber": smallest, "red": largest * 1.01}]
        right = [{"amber": smallest, "red": largest}]
    else:
        sections = [section for section in ("delivery", "backtest", "acting", "expected_loss") if name in RAW[section]]
        place = f"{sections[0]}.{name}" if indent else name
        wrong, right = [smallest - 1, largest + 1], [smallest, largest]
    for value in wrong:
        with pytest.raises(InputError, match=rf": {place}: "):
            read_settings(written(tmp_path, place, value))
    for value in right:  # points and budgets also have an order among each other: an error may name that
        assert f": {place}: " not in complaint(written(tmp_path, place, value))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("signals.dti", {"amber": 40, "red": 30}, "signals.dti: expected amber below red, got 40 and 30"),
        ("signals.dti", {"amber": 40, "red": 40}, "signals.dti: expected amber below red, got 40 and 40"),
        ("signals.dti", {"amber": 40}, "signals.dti.red: field required"),
        ("signals.dti.red", "much", "signals.dti.red: input should be a valid number.*got 'much'"),
        ("signals.dti.red", float("nan"), "signals.dti.red: "),
        ("red_points", 2, "settings: expected amber_points below red_points, got 2 and 2"),
        ("backtest.red_per_1000", 60, "backtest: expected red_per_1000 no larger than alerts_per_1000, got 60 and 50"),
        ("windov", 6, "windov: extra inputs are not permitted, got 6"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(place: str, value: object, message: str, tmp_path: Path):
    with pytest.raises(InputError, match=message):
        read_settings(written(tmp_path, place, value))


def test_a_file_that_is_absent_or_no_settings_is_an_input_error(tmp_path: Path):
    with pytest.raises(InputError, match="found no file"):
        read_settings(tmp_path / "none.yml")
    for text in ("", "- 1", "{"):
        (tmp_path / "odd.yml").write_text(text, "utf-8")
        with pytest.raises(InputError, match=r"odd\.yml"):
            read_settings(tmp_path / "odd.yml")
