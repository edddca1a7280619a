"""The assumptions behind profit, as a reader meets them."""

from loantap.exhibits.economics import assumption_table, told
from loantap.exhibits.policy import Basis, table
from loantap.exhibits.words import percent, to_markdown
from loantap.model.economics import ASSUMPTIONS, Economics


def test_the_assumptions_are_the_clauses_of_a_sentence():
    assert told(Economics(loss_given_default=0.6, default_after=0.25, settled_after=0.8, funding_cost=0.045)) == (
        "a default comes after 25% of the installments and loses 60% of the balance outstanding then, a repaid loan is settled "
        "after 80% of its term, and money costs 4.5% a year"
    )


def test_other_assumptions_leave_no_word_of_the_default_ones():
    other = told(Economics(loss_given_default=0.61, default_after=0.25, settled_after=0.8, funding_cost=0.045))
    defaults = [percent(getattr(Economics(), one.name)) for one in ASSUMPTIONS]
    assert not [value for value in defaults if f" {value}" in other]
    assert all(f" {value}" in told(Economics()) for value in defaults)


def test_settled_at_the_end_means_that_nobody_repays_early():
    assert ", nobody repays early, and money costs" in told(Economics(settled_after=1.0))


def test_the_table_has_what_is_assumed_here_beside_its_range():
    rows = assumption_table(Economics(funding_cost=0.07)).set_index("name")
    assert rows.index.tolist() == [one.name for one in ASSUMPTIONS]
    assert rows.loc["funding_cost", ["low", "default", "high"]].tolist() == [0.02, 0.07, 0.1]
    assert rows.loc["loss_given_default", "default"] == Economics().loss_given_default
    assert rows["label"].tolist() == [one.label for one in ASSUMPTIONS]


def test_what_nobody_could_check_is_called_a_judgement():
    rows = assumption_table(Economics())
    assert rows["source"].str.startswith("judgement: ").tolist() == [not one.checked for one in ASSUMPTIONS]
    loss = rows.set_index("name").loc["loss_given_default", "source"]
    assert loss.startswith("judgement: 75% is borrowed from the foundation approach of the Basel framework")
    assert "subordinated claims on firms" in loss


def test_the_table_can_be_shown():
    shown = table("assumptions", assumption_table(Economics()), Basis(1, 1, 0.95))
    text = to_markdown(shown.table, shown.columns)
    assert len(text.splitlines()) == 2 + len(ASSUMPTIONS)
    assert "75.0%" in text
