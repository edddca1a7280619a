import runpy

from loantap.data import columns
from loantap.data.columns import BY_NAME, COLUMNS
from loantap.settings import project_root


def test_there_are_27_columns_each_once():
    assert len(COLUMNS) == len(BY_NAME) == 27


def test_what_is_known_only_afterwards_is_no_feature():
    assert not BY_NAME["loan_status"].feature
    assert not any(column.feature for column in COLUMNS if column.known in ("outcome", "funding"))


def test_the_address_is_no_feature_and_says_why():
    assert not BY_NAME["address"].feature
    assert "may give the outcome away (a leak)" in BY_NAME["address"].why


def test_the_lenders_own_pricing_is_marked():
    assert columns.names(known="pricing") == ["int_rate", "installment", "grade", "sub_grade"]


def test_every_category_lists_its_levels_and_nothing_else_does():
    assert all(bool(column.levels) == (column.kind == "category") for column in COLUMNS)


def test_rules_read_as_sentences():
    assert BY_NAME["dti"].rule == "a number, 0 to 9,999, in percent of monthly income"
    assert BY_NAME["mort_acc"].rule == "a number, 0 or more, in count; may be missing"


def test_the_codebook_page_is_what_the_columns_say():
    script = runpy.run_path(str(project_root() / "tools" / "codebook.py"))
    page = (project_root() / "data" / "README.md").read_text("utf-8")
    assert script["with_codebook"](page) == page, "run: python tools/codebook.py"
