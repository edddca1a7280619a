"""What the committee is advised: the decision in full, in short for the first screen, and what is asked of the committee."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from loantap.exhibits.economics import rounded, rounded_range
from loantap.exhibits.words import capital, listed, percent, show
from loantap.policy.verdicts import APPROVE_ALL, DEPENDS, LATER_LOSES, NO_GAIN, SHOWN, Choice

Record = Mapping[str, Any]
_KEEP = "Do not change the policy yet"
_NOTHING = f"{_KEEP}: no rule is shown to earn more than approving everyone."


def recommendation(choice: Choice, entries: Sequence[Record], confidence: float) -> str:
    """Return what the committee is told first: a policy that is shown to gain, one that might, or that there is none."""
    chosen = _asked_about(choice, entries)
    if chosen is None:
        return f"{_NOTHING} No rule that was looked for declines anybody."
    ends = f"{percent(confidence)} interval for all policies at once: {rounded_range(chosen['gain_low'], chosen['gain_high'])}"
    gain, with_rule = f"{_gained(chosen)} on {chosen['n']:,} test loans ({ends})", f"{named(chosen)} ({chosen['rule']})"
    if choice.verdict not in (SHOWN, DEPENDS):
        return f"{_NOTHING} {with_rule} {'came out best' if chosen['gain'] > 0 else 'lost least'}. It {gain}."
    later = capital(on_later(chosen["out_of_time"]))
    if choice.verdict == DEPENDS:
        return f"{_KEEP}: {with_rule} gains only with {listed(chosen['conditions'])}. It {gain}. {later}."
    return (
        f"{capital(chosen['rule'])}. This {gain}. {later}. Wherever in its range any one assumption lies, it gains "
        f"{rounded_range(chosen['gain_least'], chosen['gain_most'])}."
    )


def short(choice: Choice, entries: Sequence[Record]) -> str:
    """Return the decision in at most two sentences: the verdict, what gained most, and its price in good customers."""
    chosen = _asked_about(choice, entries)
    if chosen is None:
        return "Do not change the policy: no rule was found that declines anybody."
    gain = f"{_gained(chosen)} on {chosen['n']:,} test loans"
    price = f"declines {show(chosen['good_refused'], 'rate')} of good customers"
    if choice.verdict == SHOWN:  # a rule of many words has its title here
        rule = capital(chosen["rule"]) if len(chosen["rule"].split()) <= 15 else f"Adopt {named(chosen)}"
        return f"{rule}. This {gain}, held on later loans and under every single assumption, and {price}."
    if choice.verdict == DEPENDS:
        labels = [f"the {row['label']}" for row in chosen["scenarios"] if row["assumption"] in chosen["turning"]]
        turning = listed(labels) if len(labels) <= 2 else f"{len(labels)} assumptions"
        return f"{_KEEP}: the gain of {named(chosen)} depends on {turning}. It {gain} and {price}."
    but = {NO_GAIN: "may lose money", LATER_LOSES: "lost money on later loans"}.get(chosen["why"], "is not judged on later loans")  # fmt: skip
    if chosen["gain"] > 0:
        return f"{_NOTHING} {named(chosen)} came out best: it {gain}, but {but} and {price}."
    return f"{_NOTHING} Every rule lost money; {named(chosen)} lost least: it {gain} and {price}."


def ask(choice: Choice, entries: Sequence[Record]) -> str:
    """Return in one sentence what is asked of the committee, or what would settle the question."""
    lead, chosen = "Asked of the committee", _asked_about(choice, entries)
    if chosen is None or (choice.name is None and chosen["gain"] <= 0):
        return f"{lead}: keep the policy, since nothing that was tried gains."
    if choice.verdict == SHOWN:
        return f"{lead}: is the gain of {named(chosen)} worth declining {show(chosen['good_refused'], 'rate')} of good customers?"
    if choice.verdict == DEPENDS:
        conditions = [text.split(" (")[0] for text in chosen["conditions"]]
        return f"{lead}: can the lender count on {listed(conditions)}?"
    settles = {
        NO_GAIN: f"more loans would settle whether {named(chosen)} gains",
        LATER_LOSES: f"later loans speak against {named(chosen)}",
    }.get(chosen["why"], f"later loans would settle whether {named(chosen)} gains")
    return f"{lead}: keep the policy; {settles}."


def on_later(later: Record) -> str:
    """Return what the same policy, made from earlier loans, gained on the last ones; takes `out_of_time` of an entry."""
    return f"made from earlier loans, the same policy {_gained(later)} on those funded from {pd.Timestamp(later['first_month']):%B %Y} on"


def named(entry: Record) -> str:
    """Return the title of a policy as a sentence names it."""
    return f"“{capital(entry['title'])}”"


def _asked_about(choice: Choice, entries: Sequence[Record]) -> Record | None:
    """Return the policy that was chosen, else the one that gained most of those that decline somebody; None without any."""
    if choice.name is not None:
        return next(entry for entry in entries if entry["name"] == choice.name)
    tried = [entry for entry in entries if entry["name"] != APPROVE_ALL and entry["n_refused"]]
    return max(tried, key=lambda entry: entry["gain"], default=None)


def _gained(entry: Record) -> str:
    amount = rounded(abs(entry["gain"]), entry["gain_low"], entry["gain_high"])
    if amount == "0":
        return "gained nothing"
    return f"{'gained' if entry['gain'] > 0 else 'lost'} about {amount}"
