"""The sentences on how a model was chosen: who won and why, and what SMOTE, richer features and black boxes bring."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from loantap.exhibits.words import at_the_edge, by_name, capital, listed, of_confidence, show
from loantap.model.ablation import Champion

Result = Mapping[str, Any]
_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")


def champion_sentence(choice: Champion) -> str:
    """Return which candidate is the champion and why, and whether it uses SMOTE."""
    level, ranked, score = len(choice.level), len(choice.ranked), choice.score.upper()
    tied, both = (_NUMBERS[count] if count < len(_NUMBERS) else str(count) for count in (level, ranked))
    name = f"**{in_a_sentence(choice.candidate.name)}**"
    if len(choice.able) == 1:
        won = f"The champion is {name}; nothing else competed"
    elif level == 1:
        won = f"The champion is {name}: of {len(choice.able)} candidates it alone is not clearly beaten on {score}"
    elif ranked == 1:
        won = f"{tied} candidates tie on {score}; we kept the only one not clearly beaten on ROC-AUC, {name}"
    else:
        too = f", {both.lower()} of them on ROC-AUC too" if ranked < level else ""
        won = f"{tied} candidates tie on {score}{too}; we kept the simplest, {name}"
    if choice.behind:
        won += f". {capital(listed([in_a_sentence(one) for one in choice.behind]))} ran the first repeat only: clearly beaten there"
    uses = "It uses SMOTE." if choice.recipe.sampler.startswith("SMOTE") else "It does not use SMOTE."
    return f"{won}. {uses}{at_the_edge(choice.C, choice.candidate.tried, ' Its C')}"


def smote_sentence(choice: Champion, table: pd.DataFrame) -> str:
    """Return what SMOTE brings against the same features with the plainest sampler."""
    rows, name, score = by_name(table), _smote(choice, table), choice.score
    if name is None:
        return "SMOTE did not compete with another sampler on the same features, so its effect is not known."
    row, base, label = rows[name], rows[reference_of(table, score)], score.upper()
    apart, alone = row[f"{score}_difference_low"] > 0 or row[f"{score}_difference_high"] < 0, ""
    if apart and not _clear(row, choice):
        alone = " The interval is for this comparison alone; the verdict is corrected for all."
    return (
        f"{smote_title(choice, table).removesuffix('; ')}: {change(row, f'{score}_difference', confidence=choice.confidence)} against "
        f"{base['name'].split(', ')[1]}, with the same features and the threshold chosen out of fold.{alone} It shifts the probabilities: "
        f"at a raw probability of one half, {label} is {show(row[f'{score}_at_half'], 'score')} instead of "
        f"{show(base[f'{score}_at_half'], 'score')}, and the Brier score {show(row['brier_uncalibrated'], 'score')} instead of "
        f"{show(base['brier_uncalibrated'], 'score')}."
    )


def features_sentence(choice: Champion, table: pd.DataFrame) -> str:
    """Return what each richer set of features brings over the plainest, in ROC-AUC."""
    rows, (plainest, sampler) = by_name(table), reference_of(table, choice.score).split(", ")
    richer = [name for name in choice.able if name.endswith(f", {sampler}") and not name.startswith(f"{plainest}, ")]
    if not richer:
        return f"Richer features did not compete: only {plainest} ones did."
    better = [name.split(",")[0] for name in richer if rows[name]["roc_auc_difference_low"] > 0]
    verb = "improve" if better else "do not detectably improve"
    parts = _changes({name.split(",")[0]: rows[name] for name in richer}, choice.confidence)
    return f"{capital(listed(better or ['richer features']))} {verb} ROC-AUC over {plainest} ones: {listed(parts)}."


def challenger_sentence(choice: Champion, from_champion: pd.DataFrame) -> str:
    """Return whether models that nobody can read rank better than the champion."""
    rows = {name: row for name, row in by_name(from_champion).items() if name not in choice.able}
    better = [name for name, row in rows.items() if row["roc_auc_difference_low"] > 0]
    worse = all(row["roc_auc_difference_high"] < 0 for row in rows.values())
    answer = f"In ROC-AUC, {listed(better)} would" if better else "No" if worse else "Not detectably"
    return (
        f"Would a black-box model do better? {answer}. ROC-AUC against the champion's: {', '.join(_changes(rows, choice.confidence))}. "
        "Settings were searched over the first of the repeats, which flatters it a little."
    )


def _changes(rows: Mapping[str, Result], confidence: float) -> list[str]:
    """Return the differences in ROC-AUC by name; the first says the confidence of all."""
    of_level = [confidence, *[None] * (len(rows) - 1)]
    pairs = zip(rows.items(), of_level, strict=True)
    return [f"{name} {change(row, 'roc_auc_difference', confidence=level)}" for (name, row), level in pairs]


def in_a_sentence(name: str) -> str:
    """Return a candidate as a sentence names it: 'plain features without resampling'; models without parts keep their name."""
    features, comma, sampler = name.partition(", ")
    if not comma:
        return name
    kind = f"{features} features" if features == "plain" else features
    return f"{kind} {'without resampling' if sampler == 'no resampling' else f'with {sampler}'}"


def signed(value: float) -> str:
    """Return a difference of scores with its sign; what rounds to nothing has none."""
    text = show(value, "score")
    return f"+{text}" if value > 0 and text.strip("0.") else text


def change(row: Result, name: str, *, confidence: float | None = None, reverse: bool = False) -> str:
    """Return a difference of scores with its interval, or what it is the other way round."""
    ends = [row[f"{name}{end}"] for end in ("", "_low", "_high")]
    middle, low, high = (-ends[0], -ends[2], -ends[1]) if reverse else ends
    return f"{signed(middle)} ({of_confidence(confidence)}{signed(low)} to {signed(high)})"


def reference_of(table: pd.DataFrame, score: str) -> str:
    """Return the candidate that the others of a table are compared with."""
    return str(table.loc[table[f"{score}_difference"].isna(), "name"].iloc[0])


def _smote(choice: Champion, table: pd.DataFrame) -> str | None:
    """Return the candidate that differs from the reference by SMOTE, if there is one."""
    reference = reference_of(table, choice.score)
    name = f"{reference.split(', ')[0]}, SMOTE"
    return name if name in choice.able and name != reference else None


def smote_title(choice: Champion, table: pd.DataFrame) -> str:
    """Return what SMOTE does as the beginning of a title; nothing where that is not known."""
    if (name := _smote(choice, table)) is None:
        return ""
    verbs = {-1: "lowers", 0: "does not detectably improve", 1: "improves"}
    return f"SMOTE {verbs[_clear(by_name(table)[name], choice)]} {choice.score.upper()}; "


def _clear(row: Result, choice: Champion) -> int:
    """Return the sign of a difference, or 0 if it may be nothing after Holm's correction."""
    if not row[f"{choice.score}_p_adjusted"] < 1 - choice.confidence:
        return 0
    return 1 if row[f"{choice.score}_difference"] > 0 else -1
