from pathlib import Path

import pytest
from declarations import SECRET, source

from loantap.errors import InputError
from loantap.settings import project_root
from loantap_sources.connectors.config import read_config
from loantap_sources.connectors.kinds import Db2Drop

FILE = "sources:\n  loans:\n    kind: file\n    path: loans.csv\n    columns: [loan_amnt]\n"


def db2(**settings: str) -> str:
    return source(kind="db2", folder="drops", **settings)


def test_the_committed_example_is_valid():
    read = read_config(project_root() / "loantap.yml")
    assert [one.kind for one in read.sources.values()] == ["db2", "databricks", "sql"]


def test_a_list_of_columns_names_them_as_they_are(config):
    loans = config(source(kind="file", path="x.csv", columns="[loan_amnt, term]", key="LOAN_NO")).sources["loans"]
    assert loans.columns == {"loan_amnt": "loan_amnt", "term": "term"}
    assert loans.wanted == ["LOAN_NO", "loan_amnt", "term"]


@pytest.mark.parametrize("name", ["NO", "ON", "Y", "yes", "Off"])
def test_a_column_may_have_a_name_that_yaml_takes_for_a_truth(config, name: str):
    assert config(source(kind="file", path="x.csv", key=name)).sources["loans"].key == name


def test_an_empty_file_declares_nothing(config):
    assert config("").sources == {}


@pytest.mark.parametrize("text", ["[a, b]", "17", "text", "true"])
def test_a_file_of_another_type_is_refused(refusal, text: str):
    assert "dictionary" in refusal(text)


@pytest.mark.parametrize(
    "text", ["a: [", f"a: *{SECRET}", f"a: !{SECRET} x", "a: 2015-13-45", "a:\n\t- b", "[" * 5000, f"a: 'x\n{SECRET}"]
)
def test_broken_yaml_is_refused_without_quoting_it(refusal, text: str):
    assert "expected YAML" in refusal(text)


def test_a_broken_line_is_named(refusal):
    assert "see line 2" in refusal("a: 1\nb: c: d\n")


@pytest.mark.parametrize("text", [FILE + FILE, FILE + FILE.split("\n", 1)[1], FILE + "    path: other.csv\n"])
def test_a_setting_that_stands_twice_is_refused(refusal, text: str):
    assert "expected each setting once" in refusal(text)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path):
    path = tmp_path / "loantap.yml"
    path.write_bytes("merge: # für\n".encode("cp1252"))
    with pytest.raises(InputError, match="UTF-8"):
        read_config(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="found nothing"):
        read_config(tmp_path / "no.yml")


def test_every_wrong_setting_is_listed(refusal):
    message = refusal(
        """
sources:
  "a; DROP TABLE x": {kind: file, path: x.csv, columns: [loan_amnt]}
  b: {kind: excel, columns: [loan_amnt]}
  c: {kind: file, path: x.csv, columns: []}
  d: {kind: db2, folder: x, colums: [loan_amnt], encoding: klingon, delimiter: ';;'}
merge: {conflicts: ignore}
warehouse: {url: "sqlite:///x.db", table: "loans; --"}
wharehouse: x
"""
    )
    for part in (
        "DROP",
        "sources.b",
        "sources.c",
        "colums",
        "klingon",
        "delimiter",
        "merge.conflicts",
        "table",
        "wharehouse",
    ):
        assert part in message


@pytest.mark.parametrize("name", ["a b", "1a", "a-b", "a.b", 'a"b', "a;b", "../a", "ä", "a" * 64, ""])
@pytest.mark.parametrize("place", ["source", "column", "table", "schema"])
def test_a_name_that_could_do_something_is_refused(refusal, name: str, place: str):
    quoted = f"'{name}'"
    text = {
        "source": FILE.replace("loans:", f"{quoted}:"),
        "column": FILE.replace("[loan_amnt]", f"{{{quoted}: x}}"),
        "table": f"warehouse: {{url: 'sqlite:///x.db', table: {quoted}}}",
        "schema": f"warehouse: {{url: 'sqlite:///x.db', schema: {quoted}}}",
    }[place]
    assert "letters, digits and _" in refusal(text)


@pytest.mark.parametrize(
    "columns",
    ["[loan_amnt, loan_amnt]", "[1, 2]", "[{a: b}]", "[]", "{}", "5", "[loan_id]", "{a: x, A: y}", "{a: ''}", "{a: }"],
)
def test_columns_of_another_form_are_refused(refusal, columns: str):
    assert "columns" in refusal(source(kind="file", path="x.csv", columns=columns))


def test_sources_that_differ_in_capitals_only_are_refused(refusal):
    assert "capital" in refusal(FILE + FILE.split("\n", 1)[1].replace("loans:", "LOANS:"))


def test_a_join_on_what_the_first_source_lacks_is_refused(refusal):
    second = FILE.split("\n", 1)[1].replace("loans:", "other:") + "    joins_on: branch\n"
    assert "sources.other: joins_on" in refusal(FILE + second)
    assert "sources.loans: the first source" in refusal(FILE + "    joins_on: branch\n")


def test_a_column_is_not_brought_and_joined_on_at_once(refusal):
    second = FILE.split("\n", 1)[1].replace("loans:", "other:") + "    joins_on: loan_amnt\n"
    assert "each name once" in refusal(FILE + second)


@pytest.mark.parametrize(
    "setting",
    [
        {"delimiter": "'\"'"},
        {"delimiter": "§"},
        {"delimiter": "'a'"},
        {"delimiter": "';;'"},
        {"delimiter": '"\\n"'},
        {"delimiter": "','", "decimal": "','"},
        {"header": "false"},
        {"header": "[]"},
        {"nulls": "[NULL]"},
        {"settle_seconds": "-1"},
        {"encoding": "rot13"},
        {"encoding": "klingon"},
        {"pattern": "../*.csv"},
        {"pattern": "/x/*.csv"},
        {"pattern": "''"},
        {"key": "''"},
        {"dates": "german"},
        {"manifest": "yes"},
    ],
)
def test_a_wrong_setting_of_a_drop_is_refused(refusal, setting: dict[str, str]):
    name = next(iter(setting))
    assert "sources.loans.db2" in refusal(db2(**setting))
    assert name in refusal(db2(**setting))


@pytest.mark.parametrize(("name", "known"), [("IBM037", "cp037"), ("windows-1252", "cp1252"), ("UTF8", "utf-8")])
def test_a_code_page_has_many_names(config, name: str, known: str):
    loans = config(db2(encoding=name)).sources["loans"]
    assert isinstance(loans, Db2Drop)
    assert loans.encoding == known
