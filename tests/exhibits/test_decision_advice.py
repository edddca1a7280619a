"""What the committee is advised in short: verdict, what gained most, its price, and what is asked; and money in figures that it bears."""

import re
from typing import Any

import pytest

from loantap.exhibits import decision_advice as advice
from loantap.exhibits.economics import rounded, rounded_range
from loantap.policy.verdicts import DEPENDS, LATER_LOSES, NO_GAIN, NOBODY, NOT_LATER, NOT_SHOWN, SHOWN, Choice


def entry(name: str, *, gain: float = 47_255.0, n_refused: int = 400, **more: Any) -> dict[str, Any]:
    return {
        "name": name, "title": "expected profit", "rule": "decline applications whose expected profit is negative", "n": 1_448, "n_refused": n_refused,
        "gain": gain, "gain_low": gain - 148_026, "gain_high": gain + 148_026, "gain_least": 1_000.0, "gain_most": 2_000.0, "good_refused": 0.256,
        "why": NO_GAIN, "turning": (), "scenarios": [], "conditions": [], **more,
    }  # fmt: skip


NOBODY_DECLINED = entry("approve all", gain=0.0, n_refused=0, title="approve all", rule="decline nobody", why=NOBODY)
SCENARIOS = [{"assumption": name, "label": f"{name} of money"} for name in ("loss", "cost", "delay")]
LATER = {"first_month": "2015-05", "gain": 5_000.0, "gain_low": 1_000.0, "gain_high": 9_000.0}
LONG = "; ".join(["decline applications with debt-to-income above 25"] * 5)
CASES = {
    "shown": (Choice(SHOWN, "own_price"), entry("own_price", out_of_time=LATER)),
    "shown, a long rule": (Choice(SHOWN, "own_price"), entry("own_price", rule=LONG, out_of_time=LATER)),
    "depends": (Choice(DEPENDS, "own_price"), entry("own_price", turning=("loss", "cost"), scenarios=SCENARIOS, conditions=["loss above 1% (x)"])),
    "depends on many": (
        Choice(DEPENDS, "own_price"),
        entry("own_price", turning=("loss", "cost", "delay"), scenarios=SCENARIOS, conditions=["loss above 1% (x)", "cost below 2% (y)"]),
    ),
    "may lose": (Choice(NOT_SHOWN, None), entry("own_price")),
    "loses": (Choice(NOT_SHOWN, None), entry("own_price", gain=-47_255.0)),
    "loses later": (Choice(NOT_SHOWN, None), entry("own_price", why=LATER_LOSES)),
    "not judged later": (Choice(NOT_SHOWN, None), entry("own_price", why=NOT_LATER)),
    "nothing": (Choice(NOT_SHOWN, None), entry("own_price", n_refused=0)),
}  # fmt: skip


def sentences(text: str) -> int:
    return len(re.findall(r"[.?](?=\s|$)", text))


@pytest.mark.parametrize("case", CASES)
def test_the_short_decision_has_two_sentences_and_45_words_at_most(case: str):
    choice, one = CASES[case]
    said = advice.short(choice, [NOBODY_DECLINED, one])
    assert sentences(said) <= 2
    assert len(said.split()) <= 45
    assert ("Do not change the policy" in said) == (choice.verdict != SHOWN)
    assert ("25.6% of good customers" in said) == (case != "nothing")


@pytest.mark.parametrize("case", CASES)
def test_what_is_asked_is_one_sentence(case: str):
    choice, one = CASES[case]
    said = advice.ask(choice, [NOBODY_DECLINED, one])
    assert said.startswith("Asked of the committee: ")
    assert sentences(said) == 1


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (
            "shown",
            "Decline applications whose expected profit is negative. This gained about 47,000 on 1,448 test loans",
        ),
        ("shown, a long rule", "Adopt “Expected profit”. This gained"),
        ("depends", "the gain of “Expected profit” depends on the loss of money and the cost of money."),
        ("depends on many", "depends on 3 assumptions."),
        ("may lose", "it gained about 47,000 on 1,448 test loans, but may lose money"),
        ("loses", "Every rule lost money; “Expected profit” lost least: it lost about 47,000"),
        ("loses later", "but lost money on later loans"),
        ("not judged later", "but is not judged on later loans"),
        ("nothing", "no rule was found that declines anybody"),
    ],
)
def test_the_short_decision_says_what_came_of_it(case: str, words: str):
    choice, one = CASES[case]
    if case == "loses":
        said = advice.short(choice, [NOBODY_DECLINED, one])
        assert words.split(";")[1] in said
        return
    assert words in advice.short(choice, [NOBODY_DECLINED, one])


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("shown", "worth declining 25.6% of good customers?"),
        ("depends on many", "can the lender count on loss above 1% and cost below 2%?"),
        ("may lose", "more loans would settle whether “Expected profit” gains."),
        ("loses", "nothing that was tried gains."),
        ("loses later", "later loans speak against “Expected profit”."),
        ("not judged later", "later loans would settle whether"),
    ],
)
def test_what_is_asked_follows_from_the_verdict(case: str, words: str):
    choice, one = CASES[case]
    assert words in advice.ask(choice, [NOBODY_DECLINED, one])


def test_what_is_recommended_in_full_has_the_rule_and_the_interval():
    choice, one = CASES["may lose"]
    assert advice.recommendation(choice, [NOBODY_DECLINED, one], 0.9) == (
        "Do not change the policy yet: no rule is shown to earn more than approving everyone. “Expected profit” (decline applications whose expected "
        "profit is negative) came out best. It gained about 47,000 on 1,448 test loans (90% interval for all policies at once: -101,000 to 195,000)."
    )
    choice, one = CASES["shown"]
    assert (
        "Made from earlier loans, the same policy gained about 5,000 on those funded from May 2015 on."
        in advice.recommendation(choice, [NOBODY_DECLINED, one], 0.9)
    )


@pytest.mark.parametrize(
    ("amount", "low", "high", "words"),
    [(47_255, -100_771, 195_281, "47,000"), (22_345, -18_531, 63_221, "22,300"), (12, -5, 25, "12"), (-120, -300_000, 300_000, "0"), (7.4, 7.4, 7.4, "7")],
)  # fmt: skip
def test_money_has_no_finer_figures_than_its_interval_bears(amount: float, low: float, high: float, words: str):
    assert rounded(amount, low, high) == words


def test_the_ends_of_an_interval_are_rounded_alike():
    assert rounded_range(-100_771, 195_281) == "-101,000 to 195,000"
