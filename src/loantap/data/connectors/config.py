"""`loantap.yml`: where the loans lie, how they go together, and into which warehouse they go."""

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from loantap.data.columns import KEY
from loantap.data.connectors.kinds import Source, Strict, check_name, secrets_in, without_secret
from loantap.data.connectors.secrets import Secrets, read_secrets
from loantap.errors import InputError


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

    url: str
    table: str = "loans"
    table_schema: Annotated[str | None, Field(alias="schema")] = None

    @field_validator("url")
    @classmethod
    def _is_clean(cls, value: str) -> str:
        return without_secret(value)

    @field_validator("table", "table_schema")
    @classmethod
    def _is_name(cls, value: str | None) -> str | None:
        return value if value is None else check_name(value)


class Config(Strict):
    """The whole file.

    Attributes:
        sources: By name; the first holds one row per loan, the others bring more columns to them.
        merge: The policies.
        warehouse: None if nothing is written back.
    """

    sources: dict[str, Source] = Field(default_factory=dict)
    merge: MergePolicy = MergePolicy()
    warehouse: Warehouse | None = None
    _path: Path = PrivateAttr(default=Path())
    _secrets: Secrets = PrivateAttr(default_factory=lambda: Secrets({}))

    @model_validator(mode="after")
    def _first_is_keyed(self) -> Self:
        for number, (name, source) in enumerate(self.sources.items()):
            check_name(name)
            if number == 0:
                first = source
                if source.cardinality != "one_to_one" or source.joins_on != KEY:
                    raise ValueError(f"sources.{name}: the first source holds one row per loan and joins on nothing")
            elif source.joins_on not in (KEY, *first.columns):
                raise ValueError(
                    f"sources.{name}: joins_on names a column of the first source, got '{source.joins_on}'"
                )
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
        """Return a path or address: references filled in; a relative path is one beside the file."""
        filled = self.secrets.fill(text, where=f"{self.path}: {where}")
        return filled if "://" in filled else str(self.path.parent / filled)

    def connection(self, text: str, *, where: str) -> str:
        """Return an ODBC connection string: references filled in, its password remembered as a secret."""
        filled = self.secrets.fill(text, where=f"{self.path}: {where}")
        self.secrets.hide(*secrets_in(filled))
        return filled

    def address(self, text: str, *, where: str) -> URL:
        """Return a database URL: references filled in, its password remembered as a secret, a SQLite file beside this one."""
        filled = self.secrets.fill(text, where=f"{self.path}: {where}", in_url=True)
        try:
            url = make_url(filled)
        except ArgumentError:
            raise InputError(
                f"{self.path}: {where}: expected a database URL such as sqlite:///loans.db or "
                f"postgresql+psycopg://user:${{PGPASSWORD}}@host/database, got something else. Correct it."
            ) from None
        self.secrets.hide(url.password, *secrets_in(filled))
        if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
            url = url.set(database=str(self.path.parent / url.database))
        return url


def read_config(path: Path) -> Config:
    """Return the settings of a `loantap.yml`, with the secrets of its folder's `.env` and of the environment.

    Raises InputError with every wrong setting at once.
    """
    path = Path(path).resolve()
    if not path.is_file():
        raise InputError(
            f"{path}: expected a file that declares the sources, found nothing. See loantap.yml in the project."
        )
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
        config = Config.model_validate(content if content is not None else {})
    except yaml.YAMLError as error:
        # The parser's text quotes the line, which may hold what should not be there.
        mark = getattr(error, "problem_mark", None)
        raise InputError(f"{path}: expected YAML{f', see line {mark.line + 1}' if mark else ''}. Correct it.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: expected UTF-8 text. Save it as such.") from None
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, part['loc'])) or 'file'}: {part['msg'].removeprefix('Value error, ')}" for part in error.errors()]  # fmt: skip
        raise InputError(f"{path}: expected settings as in the example loantap.yml:\n" + "\n".join(lines)) from None
    config._path, config._secrets = path, read_secrets(path.parent)
    return config
