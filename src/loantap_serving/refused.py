"""Rows that break the contract of applications: told in a file beside the scores, and counted."""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self

import pandas as pd

from loantap.data.contract import FAILURE_COLUMNS, Problem, quotable, summarise
from loantap.data.text_records import RaggedRow
from loantap.errors import InputError
from loantap.files import remove_leftovers, replacing
from loantap.scoring.table import FORMULA

_HEADER = ",".join(FAILURE_COLUMNS)


class Refused:
    """The file OUT.errors.csv, made with the first refused row, in its place when the block ends without an error.

    One of an earlier try goes away; a file that is not one of ours stays, and is an error.
    """

    def __init__(self, out: Path, source: Path | None) -> None:
        """Look at what is there; raises InputError if a target is what is read, or somebody else's file."""
        self.path = out.with_name(f"{out.name}.errors.csv")
        for target in (out, self.path):
            if source is not None and target.resolve() == source.resolve():
                raise InputError(
                    f"{target}: expected another file than the one that is read. Name another one with --out."
                )
        remove_leftovers(self.path)
        if self.path.exists() and not (self.path.is_file() and _is_ours(self.path)):
            raise InputError(
                f"{self.path}: refused rows would go there, and something else is there. Move it, or name another --out."
            )
        self._stack = ExitStack()
        self._temporary: Path | None = None
        self._problems: dict[tuple[str, str], Problem] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None and self._temporary is None:
            self.path.unlink(missing_ok=True)
        self._stack.__exit__(*error)  # type: ignore[arg-type]

    def add(self, found: pd.DataFrame) -> None:
        """Note failures: row, column, rule, value."""
        if found.empty:
            return
        if self._temporary is None:
            self._temporary = self._stack.enter_context(replacing(self.path))
            self._temporary.write_text(_HEADER + "\n", "utf-8")
        _told(found).to_csv(self._temporary, mode="a", header=False, index=False)
        for problem in summarise(found):
            known = self._problems.get((problem.column, problem.rule))
            count = problem.count + (known.count if known else 0)
            self._problems[problem.column, problem.rule] = replace(known or problem, count=count)

    def add_ragged(self, ragged: Sequence[RaggedRow]) -> None:
        """Note records with a wrong number of fields."""
        rows = [(record.row, "", f"a record of {record.fields} fields", None) for record in ragged]
        self.add(pd.DataFrame(rows, columns=FAILURE_COLUMNS))

    def problems(self) -> list[Problem]:
        """Return one problem per column and rule, the most frequent first."""
        return sorted(self._problems.values(), key=lambda problem: -problem.count)


def _is_ours(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.readline().strip() == _HEADER.encode()


def _told(found: pd.DataFrame) -> pd.DataFrame:
    """Return failures without what people wrote in free text, and without what a spreadsheet would run."""
    shown = [quotable(name, value) for name, value in zip(found["column"], found["value"], strict=True)]
    values = pd.Series(shown, found.index, dtype="object")
    formula = values.map(lambda value: isinstance(value, str) and re.match(FORMULA, value) is not None)
    return found[FAILURE_COLUMNS].assign(value=values.where(~formula, "'" + values.astype("str")))
