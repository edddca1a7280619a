"""From free-text job titles to professions, by the rules of `data/reference/professions.csv`.

English job titles end in what the person is ("Managerial Accountant" is an accountant, "Director's Assistant" an
assistant), or say it before "of" or after a comma ("Director of Sales", "Manager, Stores"). So a rule names whole
words at the title's end or start, never a piece of a word. `*` stands for any words, or none:

    teacher              the whole title
    * accountant         ends in it: "Staff Accountant"
    director of *        starts with it
    assistant * manager  starts and ends with it
    * assistant to *     holds it

A rule without `*` comes first, then the rule with more words, then the earlier row.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import pandas as pd

from loantap.analysis.counts import LoanCounts
from loantap.errors import InputError
from loantap.settings import reference_dir

MISSING = "Missing"
OTHER = "Other"
EMPLOYER = "Employer Named"  # the title names an employer, not a job
Rule = tuple[tuple[int, int], str]  # a pattern's place among the others (smaller is stronger), and its profession
COLUMNS = ["pattern", "profession", "group"]

_ABBREVIATIONS = {
    "admin": "administrative", "ass": "assistant", "assist": "assistant", "assoc": "associate", "asst": "assistant",
    "avp": "assistant vice president", "cna": "certified nursing assistant", "coord": "coordinator",
    "csr": "customer service representative", "cust": "customer", "dept": "department", "dir": "director",
    "dr": "doctor", "eng": "engineer", "engr": "engineer", "evp": "executive vice president", "exec": "executive",
    "gm": "general manager", "hr": "human resource", "jr": "junior", "lpn": "licensed practical nurse",
    "lvn": "licensed vocational nurse", "maint": "maintenance", "manger": "manager", "mech": "mechanic",
    "mgmt": "management", "mgr": "manager", "mngr": "manager", "ops": "operation", "opr": "operator",
    "rep": "representative", "rn": "registered nurse", "serv": "service", "spec": "specialist", "sr": "senior",
    "supv": "supervisor", "svc": "service", "svp": "senior vice president", "tchr": "teacher", "tech": "technician",
    "vp": "vice president",
}  # fmt: skip
_RANKS = {"i", "ii", "iii", "iv", "v", *"123456789"}
_AFTER_A_NAME = {"inc", "llc", "llp", "lp", "corp", "co", "ltd", "pc", "pa", "na"}  # "Dell, Inc" is not inverted
_KEPT = {"associates", "partners", "usps"}  # no plurals: parts of firms' names
_NO_ANSWER = {"", "n a", "none", "unknown"}
_POSSESSIVE = re.compile(r"(?<=[a-z])['’`](s\b)?")
_INITIALS = re.compile(r"\b([a-z])\.(?=[a-z]\b)")  # "r.n." is "rn"
_TOP = 15  # unmapped titles that are shown
_INVERTED = re.compile(r",| - |\(")
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, eq=False)
class ProfessionTable:
    """The rules, ready to be looked up."""

    whole: Mapping[str, str]  # rules for whole titles
    # rules with `*`, by the fixed words before and after it; a phrase between two `*` stands at "anywhere"
    phrases: Mapping[tuple[str, str], Rule]
    groups: Mapping[str, str]  # the group of each profession
    longest: int  # words of the longest phrase
    first: frozenset[str]  # the first words of phrases that begin a title
    last: frozenset[str]  # the last words of phrases that end one
    two_sided: frozenset[str]  # the heads of phrases with words on both sides of `*`
    anywhere: frozenset[str]  # the first words of phrases that may stand anywhere

    def profession(self, title: str) -> str:
        """Return the profession of a normalised title, or OTHER."""
        if title in self.whole:
            return self.whole[title]
        rules = [self.phrases[key] for key in self._keys(title.split()) if key in self.phrases]
        return min(rules)[1] if rules else OTHER

    def _keys(self, words: list[str]) -> Iterable[tuple[str, str]]:
        sizes = range(1, min(len(words), self.longest) + 1)
        heads = [" ".join(words[:size]) for size in sizes] if words and words[0] in self.first else []
        tails = [" ".join(words[-size:]) for size in sizes] if words and words[-1] in self.last else []
        yield from ((head, "") for head in heads)
        yield from (("", tail) for tail in tails)
        for size, head in enumerate(heads, start=1):
            if head in self.two_sided:
                yield from ((head, tail) for tail in tails[: len(words) - size])
        for start in [place for place, word in enumerate(words) if word in self.anywhere]:
            for end in range(start + 1, min(start + self.longest, len(words)) + 1):
                yield "anywhere", " ".join(words[start:end])


@lru_cache(maxsize=500_000)  # a stage asks for the same titles several times
def normalise_title(title: str) -> str:
    """Return a title in lower case, words only: no punctuation, plural, possessive or rank, abbreviations written out.

    "Mgr., Stores" and "Manager (Stores)" become "store manager": what stands after a comma specifies what it follows.
    """
    text = unicodedata.normalize("NFKD", title).casefold()
    text = "".join(sign for sign in text if not unicodedata.combining(sign)) if not text.isascii() else text
    text = _INITIALS.sub(r"\1", _POSSESSIVE.sub("", text).replace("&", " and "))
    parts = [part for part in (_WORD.findall(part) for part in _INVERTED.split(text)) if part]
    if len(parts) == 2 and not set(parts[1]) & (_AFTER_A_NAME | _RANKS):
        parts.reverse()
    words = [_plain_word(word) for part in parts for word in part]
    while len(words) > 1 and words[-1] in _RANKS:
        words.pop()
    return " ".join(words)


@lru_cache(maxsize=100_000)
def _plain_word(word: str) -> str:
    if word in _ABBREVIATIONS:
        return _ABBREVIATIONS[word]
    if len(word) > 3 and word[-1] == "s" and word not in _KEPT and not word.endswith(("ss", "us", "is")):
        if word.endswith("ies") and len(word) > 4:
            word = word[:-3] + "y"
        else:
            word = word[:-2] if word.endswith(("ches", "shes", "sses", "xes")) else word[:-1]
    return _ABBREVIATIONS.get(word, word)


@cache
def load_professions(path: Path | None = None) -> ProfessionTable:
    """Read the table of rules (columns pattern, profession, group); by default the one of `data/reference`.

    Raises InputError for a missing column, an empty cell, a pattern that stands twice or has `*` inside a word,
    and a profession in two groups.
    """
    path = path or reference_dir() / "professions.csv"
    table = pd.read_csv(path, dtype="str")
    if list(table.columns) != COLUMNS or table.isna().any(axis=None):
        raise InputError(f"{path}: expected filled columns {', '.join(COLUMNS)}, got {', '.join(table.columns)}.")
    whole: dict[str, str] = {}
    phrases: dict[tuple[str, str], Rule] = {}
    for row, (pattern, profession) in enumerate(zip(table["pattern"], table["profession"], strict=True), start=2):
        key = _key(pattern)
        if key is None or key in phrases or (key[1] == "whole" and key[0] in whole):
            what = "whole words with * before, between or around them" if key is None else "each pattern once"
            raise InputError(f"{path}: row {row}: expected {what}, got '{pattern}'. Correct or drop the row.")
        if "*" in pattern:
            phrases[key] = (-len(" ".join(key).removeprefix("anywhere ").split()), row), profession
        else:
            whole[key[0]] = profession
    groups = table.drop_duplicates(["profession", "group"])
    twice = groups.loc[groups["profession"].duplicated(), "profession"]
    if len(twice):
        raise InputError(f"{path}: expected one group for each profession, '{twice.iloc[0]}' has two. Keep one.")
    longest = max((len(part.split()) for key in phrases for part in key), default=1)
    ends = [key for key in phrases if key[0] != "anywhere"]
    return ProfessionTable(
        whole=whole,
        phrases=phrases,
        groups=dict(zip(groups["profession"], groups["group"], strict=True)),
        longest=longest,
        first=frozenset(head.split()[0] for head, _ in ends if head),
        last=frozenset(tail.split()[-1] for _, tail in ends if tail),
        two_sided=frozenset(head for head, tail in ends if head and tail),
        anywhere=frozenset(tail.split()[0] for head, tail in phrases if head == "anywhere"),
    )


def _key(pattern: str) -> tuple[str, str] | None:
    parts = [normalise_title(part) for part in pattern.split("*")]
    if re.search(r"\w\*|\*\w|\*\s*\*", pattern) or not any(parts):
        return None
    match parts:
        case [whole]:
            return whole, "whole"
        case [head, tail]:
            return head, tail
        case ["", phrase, ""]:
            return "anywhere", phrase
        case _:
            return None


def map_professions(titles: pd.Series) -> pd.Series:
    """Return the profession of each title, as a category: one of the table's, "Other" or "Missing".

    Works on distinct titles, so time follows their number and not the number of loans.
    """
    table = load_professions()
    codes, distinct = pd.factorize(titles)
    professions = [_profession(title, table) for title in distinct.tolist()]
    levels = [*dict.fromkeys(table.groups), OTHER, MISSING]
    # The last one serves the code -1: no title.
    of_distinct = pd.Categorical([*professions, MISSING], categories=levels)
    return pd.Series(of_distinct.take(codes), index=titles.index, name="profession")


@lru_cache(maxsize=1_000_000)  # the same titles are asked for by level, within strata, and for a regression's loans
def _profession(title: str, table: ProfessionTable) -> str:
    normal = normalise_title(title)
    return MISSING if normal in _NO_ANSWER else table.profession(normal)


def map_groups(professions: pd.Series) -> pd.Series:
    """Return the group of each profession, as a category; Other and Missing stay themselves."""
    groups = {**load_professions().groups, OTHER: OTHER, MISSING: MISSING}
    return professions.map(groups).astype(pd.CategoricalDtype([*dict.fromkeys(groups.values())])).rename("group")


@dataclass(frozen=True)
class Coverage:
    """How much of the loans' titles the rules reach."""

    loans: int  # all loans
    distinct_titles: int  # titles as written
    shares: dict[str, float]  # share of loans with a profession, with an employer's name, with another title, with none
    # the most frequent normalised titles without a rule: title, loans; none with fewer than `min_cell`
    unmapped: pd.DataFrame


def coverage(counts: LoanCounts, *, min_cell: int = 10) -> Coverage:
    """Return how many loans the rules reach, and the commonest titles (of `min_cell` loans at least) they do not."""
    table = counts.by("emp_title")
    professions = map_professions(table["emp_title"])
    total, n = int(table["n"].sum()), table["n"].groupby(professions, observed=False).sum()
    rest = {"employer": int(n[EMPLOYER]), "other": int(n[OTHER]), "missing": int(n[MISSING])}
    loans = {"mapped": total - sum(rest.values()), **rest}
    left = table.loc[professions == OTHER]
    normal = left["n"].groupby([normalise_title(title) for title in left["emp_title"]]).sum()
    frequent = normal[normal >= max(min_cell, 1)].sort_values(ascending=False, kind="stable").head(_TOP)
    return Coverage(
        loans=total,
        distinct_titles=int(table["emp_title"].notna().sum()),
        shares={name: count / total for name, count in loans.items()},
        unmapped=pd.DataFrame({"title": frequent.index.astype("str"), "loans": frequent.to_numpy()}),
    )
