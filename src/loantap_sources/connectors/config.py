"""`loantap.yml`: where the loans are stored, how they go together, and into which warehouse they go."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, PrivateAttr, ValidationError, model_validator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from loantap.data.columns import KEY
from loantap.errors import InputError
from loantap_sources.connectors.kinds import Clean, Name, Source, Strict
from loantap_sources.connectors.secrets import Secrets, read_secrets, secrets_in


class MergePolicy(Strict):
    """What happens where sources do not fit together.

    Attributes:
        conflicts: A column that two sources claim with different values: error, or first: the source listed first
            that has a value wins.
        unmatched: A loan that a source lacks, or a row of a source without a loan: error; keep: the loan stays, its
            values missing, and the row is left out; drop: both are left out.
    """

    conflicts: Literal["error", "first"] = "error"
    unmatched: Literal["error", "keep", "drop"] = "error"


class Warehouse(Strict):
    """Where the merged loans go, and where `--pushdown` counts."""

    url: Clean
    table: Name = "loans"
    table_schema: Annotated[Name | None, Field(alias="schema")] = None
    # Of Databricks, through which files of loans pass on their way into the table.
    volume: Annotated[str | None, Field(pattern=r"^/Volumes(/[A-Za-z0-9_-]+){3,}$")] = None


class Config(Strict):
    """The whole file.

    Attributes:
        sources: By name; the first holds one row per loan, the others bring more columns to them.
        merge: The policies.
        synthetic: Whether the loans in them are synthetic; every page then says so.
        warehouse: None if nothing is written back.
    """

    sources: dict[Name, Source] = Field(default_factory=dict)
    merge: MergePolicy = MergePolicy()
    synthetic: bool = False
    warehouse: Warehouse | None = None
    _path: Path = PrivateAttr(default=Path())
    _secrets: Secrets = PrivateAttr(default_factory=lambda: Secrets({}))

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len({name.lower() for name in self.sources}) < len(self.sources):
            raise ValueError("expected names of sources that differ in more than capital letters")
        wrong = []
        for number, (name, source) in enumerate(self.sources.items()):
            if number == 0:
                first = source
                if source.cardinality != "one_to_one" or source.joins_on != KEY:
                    wrong.append(f"sources.{name}: the first source holds one row per loan and joins on nothing")
            elif source.joins_on not in (KEY, *first.columns):
                wrong.append(f"sources.{name}: joins_on names a column of the first source, got '{source.joins_on}'")
        if wrong:
            raise ValueError("\n  ".join(wrong))
        return self

    @property
    def path(self) -> Path:
        """The file it was read from."""
        return self._path

    @property
    def secrets(self) -> Secrets:
        """What `${NAME}` stands for."""
        return self._secrets

    def place(self, text: str, *, where: str) -> str:
        """Return a path or address: references filled in; a relative path is one beside the file.

        Raises InputError if a reference brings a password: a place is shown in messages and manifest.
        """
        filled = self.secrets.fill(text, where=f"{self.path}: {where}")
        if secrets_in(filled):
            raise InputError(
                f"{self.path}: {where}: expected a path without a password or token. Take it out; S3 takes its keys from "
                "the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)."
            )
        return filled if "://" in filled else str(self.path.parent / filled)

    def connection(self, text: str, *, where: str) -> str:
        """Return an ODBC connection string: references filled in, its password remembered as a secret."""
        filled = self.secrets.fill(text, where=f"{self.path}: {where}", in_odbc=True)
        self._hide(text, filled)
        return filled

    def address(self, text: str, *, where: str) -> URL:
        """Return a database URL: references filled in, its password remembered as a secret, a SQLite file beside this one."""
        filled = self.secrets.fill(text, where=f"{self.path}: {where}", in_url=True)
        self._hide(text, filled)
        try:
            url = _QuietURL._make(make_url(filled))
        except (ArgumentError, ValueError):
            raise InputError(
                f"{self.path}: {where}: expected a database URL such as sqlite:///loans.db or "
                f"postgresql+psycopg://user:${{PGPASSWORD}}@host/database, got something else. Correct it."
            ) from None
        self.secrets.hide(url.password)
        if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
            return url.set(database=str(self.path.parent / url.database))
        return url

    def _hide(self, text: str, filled: str) -> None:
        # By the references first: what they stand for may hold the very signs at which a filled text is taken apart.
        self.secrets.hide(*(self.secrets.fill(found, where="") for found in secrets_in(text)), *secrets_in(filled))


class _QuietURL(URL):
    """A database URL that is printed without its options, since they may hold a password or a whole ODBC connection."""

    def __repr__(self) -> str:
        return self.set(query={}).render_as_string(hide_password=True)

    __str__ = __repr__


class _Twice(yaml.YAMLError):
    """A setting that stands twice."""


class _Loader(yaml.SafeLoader):
    """YAML in which a setting stands once, since PyYAML lets the last one win without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in names:
                raise _Twice(
                    f"expected each setting once, '{key.value}' stands again in line {key.start_mark.line + 1}"
                )
            names.add(str(key.value))
        return super().construct_mapping(node, deep)


# A column may be called NO, which PyYAML takes for false: here true and false alone are truths.
_Loader.yaml_implicit_resolvers = {
    sign: [pair for pair in pairs if sign in "tTfF" or not pair[0].endswith(":bool")]
    for sign, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_config(path: Path) -> Config:
    """Return the settings of a `loantap.yml`, with the secrets of its folder's `.env` and of the environment.

    Raises InputError with every wrong setting at once.
    """
    path = Path(path).resolve()
    if not path.is_file():
        raise InputError(
            f"{path}: expected a file that declares the sources, found nothing. See loantap.yml in the project."
        )
    content = _content(path)
    try:
        config = Config.model_validate(content if content is not None else {})
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, part['loc'])) or 'file'}: {part['msg'].removeprefix('Value error, ')}" for part in error.errors()]  # fmt: skip
        raise InputError(f"{path}: expected settings as in the example loantap.yml:\n" + "\n".join(lines)) from None
    config._path, config._secrets = path, read_secrets(path.parent)
    return config


def _content(path: Path) -> Any:
    try:
        return yaml.load(path.read_text("utf-8-sig"), Loader=_Loader)  # noqa: S506 (it is a SafeLoader)
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected UTF-8 text. Save it as such.") from None
    except OSError as error:
        raise InputError(f"{path}: the file cannot be read ({error.strerror}). Check its rights.") from None
    except _Twice as error:
        raise InputError(f"{path}: {error}. Drop one of them.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # The parser's text quotes the line, which may hold what should not be there.
        mark = getattr(error, "problem_mark", None)
        raise InputError(f"{path}: expected YAML{f', see line {mark.line + 1}' if mark else ''}. Correct it.") from None
