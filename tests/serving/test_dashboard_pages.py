"""Each page of the dashboard, run by Streamlit's own test harness; a browser looks at them in tests/end_to_end."""

import io
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from policy_sheet import write_sheet
from serve_run import write_run
from streamlit.testing.v1 import AppTest

import loantap_serving.dashboard as pages
from loantap.errors import InputError
from loantap.exhibits.decision import fair, who
from loantap.exhibits.economics import referred_sentence
from loantap.exhibits.exhibit import Exhibit
from loantap.exhibits.words import capital, plain, show
from loantap.model.fitted import FittedModel
from loantap.model.persistence import load_model
from loantap.runs.manifest import read_manifest
from loantap.runs.results import RunFolder
from loantap.scoring.application import score_application
from loantap_serving.api.models import Models
from loantap_serving.dashboard.sources import MODEL, RECORDS, RUN, find_sources
from loantap_serving.records import Records
from loantap_serving.store import ModelStore

APP = Path(pages.__file__).with_name("app.py")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, fitted: FittedModel, loans: pd.DataFrame) -> Path:
    return write_run(tmp_path_factory.mktemp("dashboard") / "run", fitted, loans)


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Streamlit puts the page in the place of the main module, which processes started later would run again."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture
def run(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run, shown by the dashboard, with an empty store of models."""
    monkeypatch.setenv("LOANTAP_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv(RUN, str(made))
    monkeypatch.setenv(MODEL, "")
    return made


def opened(page: str = "score.py") -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=30).run()
    if page != "score.py":
        app = app.switch_page(page).run()
    assert not app.exception
    return app


def html(app: AppTest) -> list[str]:
    """Return the tables that a page draws by itself."""
    return [part.proto.body for part in app.get("html") if "<table" in part.proto.body]


def tables(app: AppTest) -> list[pd.DataFrame]:
    return [pd.read_html(io.StringIO(body), converters={"Loan": str})[0] for body in html(app)]


def said(app: AppTest) -> str:
    parts = [*app.markdown, *app.warning, *app.info, *app.error, *app.caption, *app.header, *app.subheader]
    return "\n".join(part.value for part in parts)


@pytest.mark.parametrize("page", ["score.py", "explore.py", "portfolio.py", "policy.py", "watchlist.py"])
def test_every_page_says_that_data_are_synthetic_and_what_is_shown(page: str, run: Path):
    app = opened(page)
    assert "SYNTHETIC DATA" in said(app)
    assert "not the champion" in said(app)
    assert "**Run** r1" in app.markdown[0].value
    assert "{" not in said(app)


def test_disagreements_are_a_page_where_the_service_keeps_its_answers(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fitted: FittedModel, application: dict[str, Any]
):
    monkeypatch.setenv(RECORDS, str(tmp_path / "decisions.db"))
    models = Models(lambda: run / "model")
    models.refresh()
    records = Records(str(tmp_path / "decisions.db"), models)
    assert "No challenger was scored" in said(opened("disagreements.py"))
    assert "No decision of a person" in said(opened("disagreements.py"))
    score = score_application(load_model(run / "model"), application)
    others = [replace(score, decision=decision) for decision in ("approve", "refer")]
    records.keep("a" * 36, [score, *others], [application] * 3)
    records.decide("a" * 36, 1, person="a.meyer", caller=None, decision="decline", reason="No such employer")
    app = opened("disagreements.py")
    assert "They decide differently on 1 of 3 applications: 33.3% (95% interval 6.1 to 79.2%)" in said(app)
    assert len(app.dataframe) == 4
    assert [*app.dataframe[3].value["reason"]] == ["No such employer"]


def test_a_promoted_model_is_shown_first_and_without_a_warning(run: Path):
    ModelStore().promote(run / "model", "r1", [])
    app = opened()
    assert app.markdown[0].value == f"**Model** {load_model(run / 'model').version} · **Run** r1"


def test_an_application_is_scored_with_reasons_and_alternatives(run: Path):
    app = opened()
    app.button[0].click().run()
    assert not app.exception
    assert app.header[0].value in ("Approve", "Refer to a person")
    assert "The probability of default is **" in said(app)
    assert "debt-to-income" in said(app)
    assert ("No single input " in said(app)) is ("the risk. (R" not in said(app))


def test_reasons_are_told_with_their_codes(run: Path):
    app = opened()
    app.number_input(key="field_dti").set_value(60.0)
    app.button[0].click().run()
    assert app.header[0].value == "Refer to a person"
    assert re.search(r"^1\. Debt-to-income is 60\.0%, .*; this raises the risk\. \(R04\)$", said(app), re.MULTILINE)


def test_where_no_reason_is_strong_the_strongest_is_told(run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loantap.model.reasons.SLIGHT", 100.0)
    app = opened()
    app.button[0].click().run()
    assert said(app).count("the risk. (R") == 1


def test_the_answer_stands_beside_the_form(run: Path):
    app = opened()
    app.button[0].click().run()
    left, right = (column for column in app.columns if column.weight > 0.4)
    assert left.button[0].label == "Score the application"
    assert right.header[0].value in ("Approve", "Refer to a person")
    assert not left.header


def test_what_the_model_does_not_look_at_is_folded_away(run: Path):
    app = opened()
    (aside,) = app.expander
    asked = [part.key for kind in ("selectbox", "number_input", "text_input") for part in getattr(aside, kind)]
    assert {"field_installment", "field_emp_title", "field_title"} <= {*asked}
    assert aside.label == f"{len(asked)} fields that this model does not look at"
    assert "field_loan_amnt" not in asked


def test_a_sub_grade_is_asked_for_and_no_grade(run: Path):
    app = opened()
    keys = [box.key for box in app.selectbox]
    assert "field_sub_grade" in keys
    assert "field_grade" not in keys
    for level in ("A1", "G5"):
        app.selectbox(key="field_sub_grade").set_value(level)
        app.button[0].click().run()
        assert not app.error
        assert app.header


def test_wrong_values_are_named_beside_the_form_and_nothing_is_scored(run: Path):
    app = opened()
    app.text_input(key="field_earliest_cr_line").set_value("long ago")
    app.number_input(key="field_int_rate").set_value(0.5)
    app.button[0].click().run()
    (told,) = (error.value for error in app.error)
    assert "2 fields need another value" in told
    assert "**Interest rate (%)** Expected a number, 1 to 60" in told
    assert "**First credit line** Expected a month" in told
    assert not app.header


def test_unknown_values_may_be_left_open(run: Path):
    app = opened()
    app.selectbox(key="field_emp_length").set_value("not known")
    app.number_input(key="field_mort_acc").set_value(None)
    app.button[0].click().run()
    assert not app.error
    assert app.header


def test_a_factor_and_a_filter_change_what_is_counted(run: Path, loans: pd.DataFrame):
    app = opened("explore.py")
    assert app.metric[0].value == f"{len(loans):,}"
    app.selectbox[0].set_value("term").run()
    app.multiselect[0].set_value(["grade"]).run()
    app.multiselect(key="filter_grade").set_value(["B", "C"]).run()
    shown = loans.loc[loans["grade"].isin(["B", "C"])]
    assert app.metric[0].value == f"{len(shown):,}"
    assert app.dataframe[0].value["n"].sum() == len(shown)


def test_a_filter_that_leaves_too_few_loans_says_so(run: Path):
    app = opened("explore.py")
    app.multiselect[0].set_value(["purpose", "grade"]).run()
    app.multiselect(key="filter_purpose").set_value(["wedding"])
    app.multiselect(key="filter_grade").set_value(["G"]).run()
    assert "too few to say anything" in said(app)
    assert not app.dataframe


def test_a_file_is_scored_and_summed_up(run: Path, raw_loans: pd.DataFrame):
    app = opened("portfolio.py")
    content = raw_loans.head(30).to_csv(index=False).encode()
    app.file_uploader[0].set_value(("loans.csv", content, "text/csv")).run()
    assert not app.exception
    assert [metric.value for metric in app.metric][:3] == ["30", "30", "0"]
    why, listed = (frame.value for frame in app.dataframe)
    assert listed["probability_of_default"].is_monotonic_decreasing
    referred = (listed["decision"] == "refer").sum()
    assert app.metric[3].value == str(referred)
    assert not listed["reasons"].str.contains(r"R\d\d").any()
    assert why["Referrals"].max() <= referred
    assert why["Share"].tolist() == pytest.approx(100 * why["Referrals"] / referred)


def test_rejected_rows_are_shown_with_column_and_rule(run: Path, raw_loans: pd.DataFrame):
    app = opened("portfolio.py")
    spoilt = raw_loans.head(30).astype({"dti": "object"})
    spoilt.loc[spoilt.index[[5, 9]], "dti"] = ["a lot", "-3"]
    app.file_uploader[0].set_value(("loans.csv", spoilt.to_csv(index=False).encode(), "text/csv")).run()
    refused = app.dataframe[2].value
    assert refused[["row", "column"]].to_numpy().tolist() == [["6", "dti"], ["10", "dti"]]
    assert refused["rule"].tolist() == ["not a number", "below 0"]
    assert refused["value"].tolist() == ["not told", "-3.0"]


def test_scores_are_dropped_when_another_page_is_opened(run: Path, raw_loans: pd.DataFrame):
    app = opened("portfolio.py")
    app.file_uploader[0].set_value(("loans.csv", raw_loans.head(30).to_csv(index=False).encode(), "text/csv")).run()
    assert "scored" in app.session_state
    app.switch_page("watchlist.py").run()
    assert "scored" not in app.session_state


def test_a_file_of_no_use_is_refused_in_words(run: Path):
    app = opened("portfolio.py")
    app.file_uploader[0].set_value(("loans.csv", b"a,b\n1,2\n", "text/csv")).run()
    assert not app.exception
    assert "these are missing" in said(app)


def test_a_higher_threshold_refers_fewer(run: Path):
    app = opened("policy.py")
    before = app.table[0].value
    assert before.iloc[:, 0].tolist() == before.iloc[:, 1].tolist()
    app.slider[0].set_value(45.0).run()
    after = app.table[0].value
    assert float(after.iloc[0, 0].split("%")[0]) < float(before.iloc[0, 0].split("%")[0])
    assert after.iloc[:, 1].tolist() == before.iloc[:, 1].tolist()


def test_the_share_referred_at_each_threshold_stands_beside_the_answer_and_on_top_of_the_policy(run: Path):
    card = load_model(run / "model").card
    told = referred_sentence(card)
    app = opened()
    assert told not in said(app)
    app.button[0].click().run()
    assert told in said(app)
    policy = opened("policy.py")
    assert policy.markdown[1].value == told
    heads = [head.split(":")[0] for head in policy.table[0].value.columns]
    assert heads == ["Chosen here", "F2, the model's own", "Profit", "Capacity of 10%"]
    shares = [cell.split(" (")[0] for cell in policy.table[0].value.iloc[0]][1:]
    assert shares == [show(share, "rate") for share in card["referred"].values()]


@pytest.fixture
def judged(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run with a decision sheet, shown by the dashboard."""
    folder = copied(run, tmp_path / "judged")
    write_sheet(folder)
    monkeypatch.setenv(RUN, str(folder))
    return folder


def test_the_recommendation_comes_first_with_its_verdict_then_what_the_model_refers(judged: Path):
    app = opened("policy.py")
    sheet = RunFolder(judged).result("policy")
    told = f"{sheet['recommendation']} {sheet['recommended']['ask']}"
    assert app.info[0].value == f"**Verdict: not shown.** {plain(told)}"
    assert app.markdown[1].value == referred_sentence(load_model(judged / "model").card)


@pytest.mark.parametrize(("verdict", "box"), [("shown", "success"), ("depends", "warning"), ("not shown", "info")])
def test_each_verdict_has_its_box(verdict: str, box: str, judged: Path):
    sheet = RunFolder(judged).result("policy")
    recommended = sheet["recommended"] | {"verdict": verdict, "ask": ""}
    words = {"recommended": recommended, "recommendation": "a_sentence"}
    RunFolder(judged).write_result("policy", sheet | words)
    assert f"**Verdict: {verdict}.** a\\_sentence" in [part.value for part in getattr(opened("policy.py"), box)]


def test_each_policy_of_the_sheet_is_a_row(judged: Path):
    app = opened("policy.py")
    policies = RunFolder(judged).result("policy")["policies"]
    sheet = html(app)[0]
    heads, *rows = re.findall(r"<tr.*?</tr>", sheet, re.DOTALL)
    for head in ("Policy", "Good customers declined", "Gain over the assumptions", "Worst approval ratio"):
        assert f"<th>{head}</th>" in heads
    assert len(rows) == len(policies) == 4
    for number, (row, entry) in enumerate(zip(rows, policies, strict=True), start=1):
        cells = re.findall(r"<t[hd]>(.*?)</t[hd]>", row)
        assert cells[:3] == [str(number), capital(entry["title"]), show(entry["refused"], "rate")]
        assert cells[-1] == (entry["verdict"] if entry["n_refused"] else "declines nobody")


def test_a_title_of_a_policy_is_no_markup(judged: Path):
    sheet = RunFolder(judged).result("policy")
    sheet["policies"][1]["title"] = "<script>alert(1)</script> and **more**"
    RunFolder(judged).write_result("policy", sheet)
    app = opened("policy.py")
    assert "&lt;script&gt;alert(1)" in html(app)[0]
    assert not any("<script>" in part.value for part in [*app.markdown, *app.info] if "\\<script" not in part.value)


def test_a_policy_is_chosen_to_see_whom_it_refuses(judged: Path):
    app = opened("policy.py")
    refusing = [entry for entry in RunFolder(judged).result("policy")["policies"] if entry["n_refused"]]
    assert app.selectbox[0].options == [capital(entry["title"]) for entry in refusing]
    headings = {"Grade", "Term", "Risk decile", "Income", "Home ownership"}
    assert headings <= {part.value for part in app.subheader}
    for entry in refusing:
        app.selectbox[0].set_value(capital(entry["title"])).run()
        assert not app.exception
        assert plain(who(entry)) in said(app)
        assert plain(fair(entry)) in said(app)


def test_where_no_policy_refuses_anybody_there_is_none_to_choose(judged: Path):
    sheet = RunFolder(judged).result("policy")
    RunFolder(judged).write_result("policy", sheet | {"policies": sheet["policies"][:1]})
    app = opened("policy.py")
    assert "No policy of the sheet declines anybody." in said(app)
    assert not app.selectbox


def test_the_level_of_all_intervals_is_that_of_the_run(judged: Path):
    app = opened("policy.py")
    assert "in brackets 90% intervals" in said(app)
    assert "95%" not in said(app)
    app.slider[1].set_value(40).run()  # where nothing else moves, the shares keep their intervals
    wide, narrow = (float(end) for end in re.findall(r"\((\S+) to (\S+)%\)", app.table[0].value.iloc[0, 0])[0])
    sheet = RunFolder(judged).result("policy")
    RunFolder(judged).write_result("policy", sheet | {"confidence": 0.999})
    wider, narrower = (float(end) for end in re.findall(r"\((\S+) to (\S+)%\)", opened("policy.py").table[0].value.iloc[0, 0])[0])  # fmt: skip
    assert wider < wide < narrow < narrower


@pytest.mark.parametrize("older", [None, {"recommendation": "Adopt it.", "effects": {}}])
def test_a_run_without_a_sheet_says_so_and_still_has_the_sliders(older: dict | None, judged: Path):
    (judged / "results" / "policy.json").unlink()
    if older:
        RunFolder(judged).write_result("policy", older)
    app = opened("policy.py")
    assert "This run has no decision sheet" in said(app)
    assert len(app.slider) == 2
    assert len(app.table) == 1
    assert "Referred at the chosen threshold, by grade" in said(app)


def test_a_sheet_that_is_damaged_is_a_message(judged: Path):
    (judged / "results" / "policy.json").write_text("{")
    app = AppTest.from_file(str(APP), default_timeout=30).run().switch_page("policy.py").run()
    assert not app.exception
    assert "expected JSON that loantap wrote" in app.error[0].value


def test_what_profit_supposes_is_told_and_moves_with_the_slider(run: Path):
    app = opened("policy.py")
    assert "loses 75% of the balance" in said(app)
    app.slider[1].set_value(40).run()
    assert "loses 40% of the balance" in said(app)


def test_there_is_no_watchlist_before_early_warning_has_run(run: Path):
    assert "early warning has not been run on it" in said(opened("watchlist.py"))


LIGHTS = [
    {"light": "red", "loans": 2, "share": 0.02, "balance": 3000.0, "action": "restructuring offer"},
    {"light": "amber", "loans": 1, "share": 0.01, "balance": 500.0, "action": "financial counselling"},
    {"light": "green", "loans": 97, "share": 0.97, "balance": 90000.0, "action": "none"},
]
WARNED = {
    "synthetic": False, "sentence": "Of 100 live loans 2 are red_hot in 2018-12.", "lights": LIGHTS, "changed": "1 new on the list",
}  # fmt: skip
LISTED = pd.DataFrame(
    {
        "loan_id": ["<b>L1</b>", "L2", "L3"], "light": ["red", "red", "amber"], "points": [9, 8, 4],
        "reasons": ["**late** <script>; and [more](x)", "days past due: 30", "utilisation 90.0%"], "probability": [0.5, 0.25, None],
        "balance": [2000.0, 1000.0, 500.0], "mainly": "late",
    }
)  # fmt: skip
OFFERS = pd.DataFrame(
    {"loan_id": ["<b>L1</b>", "<b>L1</b>", "L2"], "offer": ["12 months longer", "no payment for 3 months", "12 months longer"], "expected_cost": [1.0, 2.0, 3.0]}
)  # fmt: skip


@pytest.fixture
def watched(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run with a watchlist, shown by the dashboard."""
    folder = RunFolder(tmp_path / "watched")
    folder.path.mkdir()
    (folder.path / "manifest.json").write_text((run / "manifest.json").read_text())
    folder.write_result("early_warning", WARNED)
    write_lists(folder, LISTED, OFFERS)
    monkeypatch.setenv(RUN, str(folder.path))
    return folder


def write_lists(folder: RunFolder, listed: pd.DataFrame, offers: pd.DataFrame) -> None:
    for name, table in (("watchlist", listed), ("watchlist-offers", offers)):
        folder.publish(Exhibit(name, "t", "c", table=table))


def watchlist() -> AppTest:
    """Return the page by itself: the frame around it reads a model, and has tests of its own."""
    app = AppTest.from_file(str(APP.with_name("watchlist.py")), default_timeout=30).run()
    assert not app.exception
    return app


def test_the_watchlist_says_how_many_lights_and_what_has_changed(watched: RunFolder):
    app = watchlist()
    assert "Of 100 live loans 2 are red\\_hot in 2018-12." in said(app)
    assert "Since the month before: 1 new on the list." in said(app)
    assert tables(app)[0].to_numpy().tolist() == [
        ["Red", 2, "2.0%", 3000, "restructuring offer"], ["Amber", 1, "1.0%", 500, "financial counselling"], ["Green", 97, "97.0%", 90000, "none"],
    ]  # fmt: skip
    assert "Synthetic snapshots" not in said(app)


def test_invented_snapshots_are_said_before_anything_else(watched: RunFolder):
    watched.write_result("early_warning", WARNED | {"synthetic": True})
    app = watchlist()
    assert any(line.value.startswith("**Synthetic snapshots.** These snapshots are synthetic") for line in app.warning)


def test_the_watchlist_can_be_filtered_by_light(watched: RunFolder):
    app = watchlist()
    assert tables(app)[1]["Loan"].tolist() == LISTED["loan_id"].tolist()
    assert "3 of 3 loans" in said(app)
    app.multiselect[0].set_value(["amber"]).run()
    assert not app.exception
    assert tables(app)[1]["Loan"].tolist() == ["L3"]
    assert "1 of 3 loans" in said(app)


def test_a_red_loan_has_its_own_offers(watched: RunFolder):
    app = watchlist()
    assert app.selectbox[0].options == ["<b>L1</b>", "L2", "L3"]
    assert tables(app)[2].iloc[0].tolist()[1:] == [1.0, 2.0]
    app.selectbox[0].set_value("L2").run()
    assert tables(app)[2].iloc[0].tolist()[1:] == [3.0]


def test_each_loan_has_all_its_reasons(watched: RunFolder):
    app = watchlist()
    app.selectbox[0].set_value("L3").run()
    assert "**Amber**\n\n- utilisation 90.0%" in said(app)
    assert "Offers are computed for red loans only." in said(app)


def test_what_lenders_wrote_is_shown_as_it_is(watched: RunFolder):
    write_lists(watched, LISTED.drop(columns="mainly"), OFFERS)
    app = watchlist()
    assert "**late** &lt;script&gt;; and [more](x)" in html(app)[1]
    rendered = [*app.markdown, *app.warning, *app.info, *app.header]
    assert not any("<b>" in part.value or re.search(r"(?<!\\)<script>", part.value) for part in rendered)


def test_keys_that_are_numbers_are_no_amounts(watched: RunFolder):
    write_lists(watched, LISTED.assign(loan_id=[1234567, 2, 3]), OFFERS.assign(loan_id=[1234567, 1234567, 2]))
    app = watchlist()
    assert tables(app)[1]["Loan"].tolist() == ["1234567", "2", "3"]
    assert tables(app)[2].shape[1] == 3


def test_the_watchlist_has_its_place_among_the_pages(watched: RunFolder):
    assert opened("watchlist.py").title[0].value == "Watchlist"


def test_an_empty_watchlist_is_said(watched: RunFolder):
    write_lists(watched, LISTED[:0], OFFERS[:0])
    app = watchlist()
    assert "There is no loan to look at." in said(app)
    assert len(html(app)) == 1


def test_without_a_red_loan_nothing_is_offered(watched: RunFolder):
    write_lists(watched, LISTED[2:], OFFERS[:0])
    app = watchlist()
    assert len(html(app)) == 2
    assert [header.value for header in app.header] == ["Loans to look at", "One loan"]
    assert "What can be offered" not in said(app)


def test_a_red_loan_without_offers_is_said(watched: RunFolder):
    write_lists(watched, LISTED, OFFERS[2:])
    app = watchlist()
    assert "Nothing was computed for this loan." in said(app)


@pytest.mark.parametrize("column", ["loan_id", "light", "reasons", "probability"])
def test_a_column_that_is_missing_is_left_out(column: str, watched: RunFolder):
    write_lists(watched, LISTED.drop(columns=column), OFFERS)
    heads = {"loan_id": "Loan", "light": "Light", "points": "Points", "reasons": "Reasons, the strongest first"}
    heads |= {"probability": "Probability of default", "balance": "Balance"}
    shown = {*tables(watchlist())[1]} - {"mainly"}
    assert shown == {head for name, head in heads.items() if name != column}


def test_a_watchlist_from_elsewhere_is_shown_as_it_is(watched: RunFolder):
    watched.write_result("early_warning", {})
    write_lists(watched, pd.DataFrame({"loan": [7], "why": ["late"]}), OFFERS.drop(columns="loan_id"))
    app = watchlist()
    assert tables(app)[0].to_numpy().tolist() == [[7, "late"]]
    assert not app.selectbox


@pytest.mark.parametrize("name", ["watchlist", "watchlist-offers"])
def test_a_list_that_is_missing_or_damaged_is_a_message(name: str, watched: RunFolder):
    file = watched.path / "results" / "tables" / f"{name}.csv"
    file.write_text("")
    assert f"{name}.csv: expected a table, but" in watchlist().error[0].value.replace("\\", "")
    file.unlink()
    assert "expected a table, found nothing" in watchlist().error[0].value


def test_a_run_without_a_model_can_still_be_explored(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    other = tmp_path / "unmodelled"
    (other / "data").mkdir(parents=True)
    for name in ("manifest.json", "data/loans.parquet"):
        (other / name).write_bytes((run / name).read_bytes())
    monkeypatch.setenv(RUN, str(other))
    assert "There is no model yet" in said(opened())
    assert opened("explore.py").metric


def test_a_spoilt_model_is_a_message_and_no_traceback(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "model"
    folder.mkdir()
    for path in (run / "model").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "reasons.json").write_text("[]")
    monkeypatch.setenv(MODEL, str(folder))
    app = AppTest.from_file(str(APP), default_timeout=30).run()
    assert not app.exception
    assert "reasons" in app.error[0].value


def test_a_model_of_another_run_has_no_policy_page(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    other = tmp_path / "other"
    other.mkdir()
    (other / "manifest.json").write_text((run / "manifest.json").read_text().replace('"r1"', '"r2"'))
    monkeypatch.setenv(MODEL, str(run / "model"))
    monkeypatch.setenv(RUN, str(other))
    assert "made by run r1, and this is run r2" in said(opened("policy.py"))


def test_the_run_that_made_the_champion_is_shown_with_it(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    runs = tmp_path / "runs"
    for name in ("r1", "r2"):
        (runs / name / "data").mkdir(parents=True)
        for part in ("manifest.json", "data/loans.parquet"):
            (runs / name / part).write_bytes((run / part).read_bytes())
    for name, month in (("r1", "01"), ("r2", "02")):
        manifest = read_manifest(runs / name)
        manifest.finished_at = f"2026-{month}-01T00:00:00+00:00"
        manifest.write(runs / name)
    monkeypatch.setattr("loantap_serving.dashboard.sources.runs_dir", lambda: runs)
    monkeypatch.setattr("loantap.runs.record.runs_dir", lambda: runs)
    newest = find_sources()
    assert newest.run is not None
    assert (newest.run.path.name, newest.model) == ("r2", None)
    ModelStore().promote(run / "model", "r1", [])
    found = find_sources()
    assert found.run is not None
    assert (found.run.path.name, found.promoted) == ("r1", True)


def test_the_champion_is_known_by_its_version_wherever_it_is_named(run: Path, tmp_path: Path):
    assert not find_sources(run / "model", run).promoted
    ModelStore().promote(run / "model", "r1", [])
    assert find_sources(run / "model", run).promoted
    assert find_sources(run, run).promoted
    assert find_sources(ModelStore().folder, run).promoted


def test_the_champion_of_a_store_that_is_named_is_promoted(run: Path, tmp_path: Path):
    other = ModelStore(tmp_path / "other")
    other.promote(run / "model", "r1", [])
    assert find_sources(other.folder, run).promoted
    assert not find_sources(run / "model", run).promoted


def test_a_broken_store_matters_only_where_no_model_is_named(run: Path):
    store = ModelStore().folder
    store.mkdir()
    (store / "champion.json").write_text("{")
    assert not find_sources(run / "model", run).promoted
    with pytest.raises(InputError, match=r"champion\.json"):
        find_sources(run=run)


def copied(run: Path, folder: Path) -> Path:
    for path in (path for path in run.rglob("*") if path.is_file()):
        target = folder / path.relative_to(run)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return folder


def test_a_model_whose_writing_was_interrupted_is_a_message(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    other = copied(run, tmp_path / "cut")
    (other / "model" / "SHA256SUMS").unlink()
    with pytest.raises(InputError, match="SHA256SUMS"):
        find_sources(run=other)
    monkeypatch.setenv(RUN, str(other))
    app = AppTest.from_file(str(APP), default_timeout=30).run()
    assert not app.exception
    assert "SHA256SUMS" in app.error[0].value


def test_damaged_loans_are_a_message(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    other = copied(run, tmp_path / "damaged")
    (other / "data" / "loans.parquet").write_bytes(b"PAR1 no more")
    monkeypatch.setenv(RUN, str(other))
    assert "expected the cleaned loans as Parquet" in said(opened("explore.py"))
    assert "expected the cleaned loans as Parquet" in said(opened("policy.py"))


def test_nothing_to_show_is_said_before_anything_starts(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loantap_serving.dashboard.sources.newest_run", lambda: None)
    with pytest.raises(InputError, match="loantap run"):
        find_sources()
    with pytest.raises(InputError, match="expected a run's folder"):
        find_sources(run=tmp_path)


def test_the_work_list_is_shown_where_the_run_has_one(watched: RunFolder):
    rows = LISTED.assign(rank=[1, 2, 3], could_save=[200.0, 100.0, None], owner="", status="", due_date="", note="")
    rows.to_csv(watched.path / "results" / "tables" / "worklist.csv", index=False)
    app = watchlist()
    assert app.header[0].value == "Whom to act on first"
    shown = tables(app)[1]
    assert shown["Could save"].tolist() == ["200", "100", "–"]
    assert shown["Probability of default"].tolist() == ["50.0%", "25.0%", "–"]
    assert not {"Owner", "Status", "Due date", "Note"} & {*shown}
