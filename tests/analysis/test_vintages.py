import pandas as pd

from loantap.analysis.summaries import vintage_rates


def funded(loans: dict[str, int]) -> pd.DataFrame:
    n = pd.Series(loans.values())
    return pd.DataFrame({"issue_d": pd.to_datetime(list(loans)), "n": n, "defaults": n // 2})


def test_a_vintage_that_would_show_few_loans_of_an_outcome_is_merged_with_the_next():
    counts = funded({"2011-01-01": 52, "2011-04-01": 80, "2011-07-01": 80}).assign(defaults=[1, 20, 70])
    assert vintage_rates(counts, min_cell=10)["level"].tolist() == ["2011 Q1 to 2011 Q2", "2011 Q3"]
    assert vintage_rates(counts, min_cell=11)["level"].tolist() == ["2011 Q1 to 2011 Q3"]


def test_vintages_are_named_by_their_quarter():
    counts = funded({"2014-01-01": 20, "2014-03-01": 20, "2014-04-01": 20, "2015-12-01": 20})
    table = vintage_rates(counts)
    assert table["level"].tolist() == ["2014 Q1", "2014 Q2", "2015 Q4"]
    assert table["n"].tolist() == [40, 20, 20]


def test_small_vintages_are_merged_with_the_next():
    counts = funded({"2014-01-01": 4, "2014-02-01": 16, "2014-03-01": 20})
    table = vintage_rates(counts, period="month")
    assert table["level"].tolist() == ["2014-01 to 2014-02", "2014-03"]


def test_a_vintage_is_unripe_until_its_last_loan_could_have_run_to_term():
    counts = funded({"2013-12-01": 20, "2014-01-01": 20, "2016-12-01": 20})
    table = vintage_rates(counts, period="month", term=36).set_index("level")
    assert table["unripe"].to_dict() == {"2013-12": False, "2014-01": True, "2016-12": True}


def test_a_part_of_the_loans_is_judged_by_the_end_of_the_whole():
    counts = funded({"2010-01-01": 20, "2010-02-01": 20})
    assert vintage_rates(counts, period="month")["unripe"].all()
    assert not vintage_rates(counts, period="month", last=pd.Timestamp("2016-12-01"))["unripe"].any()


def test_years_count_every_loan_once():
    counts = funded({"2010-01-01": 20, "2010-12-01": 30, "2011-01-01": 40})
    table = vintage_rates(counts, period="year")
    assert table[["level", "n"]].to_numpy().tolist() == [["2010", 50], ["2011", 40]]
    assert table["defaults"].sum() == counts["defaults"].sum()
