import importlib.util
import json
import re
from pathlib import Path

import pytest

from loantap.data.synthetic.coding import MEASURE_STEPS, STATUSES
from loantap.data.synthetic.reference import load_reference
from loantap.errors import InputError
from loantap.settings import reference_dir

SMALLEST_CELL = 10
SCRIPT = Path(__file__).parents[2] / "tools" / "build_synthetic_reference.py"


def read(name):
    return json.loads((reference_dir() / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def build_script():
    spec = importlib.util.spec_from_file_location("build_synthetic_reference", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_column_accounts_for_every_loan():
    reference = load_reference()
    for column in [*reference.categories.values(), *reference.measures.values()]:
        for status in STATUSES:
            assert column.counts[status].sum() == reference.statuses[status]
            assert column.counts[status].min() >= 0


def test_prices_of_a_sub_grade_account_for_its_loans():
    reference = load_reference()
    sub_grades = reference.categories["sub_grade"]
    for i, name in enumerate(sub_grades.levels):
        for status in STATUSES:
            assert reference.prices[name].counts[status].sum() == sub_grades.counts[status][i]


def test_titles_of_a_purpose_account_for_its_loans():
    reference = load_reference()
    purposes = reference.categories["purpose"]
    for i, name in enumerate(purposes.levels):
        assert sum(reference.titles[name].values()) == sum(purposes.counts[s][i] for s in STATUSES)


def test_marginal_counts_are_what_the_build_script_makes_of_its_sources(build_script):
    facts, summaries, committed = read("published_facts"), read("sample_summaries"), read("synthetic_reference")
    categories = build_script.all_categories(facts, summaries)
    # through JSON, which has no tuples and no numpy numbers
    assert json.loads(json.dumps(categories)) == committed["categories"]
    assert json.loads(json.dumps(build_script.all_measures(facts, summaries))) == committed["measures"]
    assert json.loads(json.dumps(build_script.price_counts(facts, summaries))) == committed["prices"]
    assert build_script.loan_titles(facts, summaries, categories["purpose"]) == committed["titles"]


def test_no_cell_of_the_sample_summaries_rests_on_fewer_than_ten_loans():
    summaries = read("sample_summaries")
    cells = []
    for measure in summaries["measures"].values():
        cells += [n for _, n in measure["spikes"]] + [n for _, _, n in measure["intervals"]]
        cells += [n for status in STATUSES for n in measure["contrast"][status]]
    months = summaries["issue_months"]
    cells += [*months["loans"].values(), *months["sparse_years"]["loans"]]
    cells += [n for status in STATUSES for n in months["contrast"][status]]
    cells += [n for pair in summaries["terms"]["grade"].values() for n in pair]
    cells += [n for pair in summaries["terms"]["amount"]["loans"] for n in pair]
    cells += [n for menu in summaries["loan_titles"].values() for n in menu.values()]
    cells += [pool["loans"] for pool in summaries["purpose_scores"]]
    cells += [n for seen in summaries["whole_loans_by_status"].values() for n in seen.values()]
    assert min(cells) >= SMALLEST_CELL


def test_a_single_price_rests_on_ten_loans_and_smaller_pools_do_not_tell_their_size():
    for prices in read("sample_summaries")["price_list"].values():
        for price in prices:
            assert price["loans"] >= SMALLEST_CELL or (price["rates"] > 1 and price["loans"] == SMALLEST_CELL // 2)


def test_published_facts_hold_no_row_address_or_rare_text():
    facts = read("published_facts")
    assert "first_5_rows" not in facts["meta"]
    assert "address" not in facts["value_counts_head_tail"]
    for entry in facts["value_counts_head_tail"].values():
        assert min(entry["value"].values()) >= SMALLEST_CELL
    assert not re.search(r"(, |FPO |DPO |APO )[A-Z]{2} \d{5}\b", json.dumps(facts))


def test_the_reference_is_small():
    names = ("published_facts", "sample_summaries", "synthetic_reference")
    assert sum((reference_dir() / f"{name}.json").stat().st_size for name in names) < 150_000


def test_the_readme_names_every_top_level_field():
    text = (reference_dir() / "README.md").read_text(encoding="utf-8")
    for name in ("published_facts", "sample_summaries", "synthetic_reference"):
        section = text.split(f"## {name}.json")[1].split("\n## ")[0]
        for field in read(name):
            assert f"`{field}" in section, f"{name}.json: {field}"


def test_a_missing_reference_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr("loantap.data.synthetic.reference.reference_dir", lambda: tmp_path)
    with pytest.raises(InputError, match=r"synthetic_reference\.json.*run python tools/build_synthetic_reference\.py"):
        load_reference()


def test_values_between_spikes_avoid_the_spikes():
    reference = load_reference()
    for name in MEASURE_STEPS:
        measure = reference.measures[name]
        wide = (measure.last > measure.first).nonzero()[0]
        for share in (0.0, 0.25, 0.5, 1.0):
            values = measure.between_spikes(wide, share + 0 * wide)
            assert not set(values.tolist()) & set(measure.spikes.tolist())
            assert (values <= measure.last[wide]).all()
            assert (values >= measure.first[wide] - measure.grain).all()
