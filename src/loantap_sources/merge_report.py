"""What a merge tells: every row that came in is matched, dropped or named."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class SourceRows:
    """What became of one source's rows: read = copies + superseded + distinct keys (+ repeated ones, which stop the merge).

    Attributes:
        source: Its name.
        rows: Rows read.
        copies: Rows equal to another one in all columns that are read; dropped.
        superseded: Rows that a newer one with the same key replaces, where `newest_by` says so.
        without_key: Rows without a key.
        repeated: Keys with rows of different content.
        repeated_keys: Examples of them.
        keys: Distinct keys.
        shared: Keys that several loans name, where one_to_one is declared; not counted elsewhere.
        shared_keys: Examples.
        matched: Loans that it has a row for.
        loans_without: Loans that it has no row for.
        loans_without_keys: Examples.
        rows_without: Its keys that no loan has.
        rows_without_keys: Examples.
    """

    source: str
    rows: int
    copies: int = 0
    superseded: int = 0
    without_key: int = 0
    repeated: int = 0
    repeated_keys: list[str] = field(default_factory=list)
    keys: int = 0
    shared: int = 0
    shared_keys: list[str] = field(default_factory=list)
    matched: int = 0
    loans_without: int = 0
    loans_without_keys: list[str] = field(default_factory=list)
    rows_without: int = 0
    rows_without_keys: list[str] = field(default_factory=list)


@dataclass
class Conflict:
    """A column that two sources claim, compared over the loans that both have.

    Attributes:
        column: Its name in the codebook.
        first: The source listed first.
        second: The other one.
        compared: Loans that both have.
        differ: Loans where the values are not equal, one missing included.
        keys: Examples.
    """

    column: str
    first: str
    second: str
    compared: int
    differ: int
    keys: list[str]


@dataclass
class MergeReport:
    """How the sources went together; `base` loans came in, `dropped` were left out, `rows` are left."""

    base: int = 0
    dropped: int = 0
    rows: int = 0
    sources: list[SourceRows] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)
