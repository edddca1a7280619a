"""Every error that loantap raises on purpose, and the exit code the command line gives it.

An error says what was expected, what came, where, and what to do.
"""


class LoanTapError(Exception):
    """Base of all errors raised on purpose; the command line exits with `exit_code`."""

    exit_code = 1


class InputError(LoanTapError):
    """The input or the options are wrong; nothing was changed."""

    exit_code = 2


class Stopped(SystemExit):
    """The command was stopped from outside: by a signal, or since nobody reads its output any more.

    It is no LoanTapError, since whoever handles errors of the work has to let it pass.
    """

    def __init__(self, what: str) -> None:
        super().__init__(1)
        self.what = what

    def __str__(self) -> str:
        return self.what


class SchemaError(InputError):
    """A table breaks the contract of `loantap.data.columns`."""


class UnfitDataError(InputError):
    """Loans that cannot feed a stage of a run: it is left out with this reason, and the others go on."""


class MergeError(InputError):
    """What the sources bring does not fit together; nothing was written."""


class SourceError(LoanTapError):
    """A source or the warehouse cannot be reached, refuses, or broke off; nothing was changed."""


class ParameterError(InputError):
    """A notebook was given a parameter it does not know, or a value it does not take."""


class StageError(LoanTapError):
    """A notebook failed; the run can be resumed."""


class RenderError(LoanTapError):
    """The report could not be rendered."""


class MissingToolError(LoanTapError):
    """Something that has to be installed is not; the message names it and how to get it."""

    exit_code = 2


class PromotionError(LoanTapError):
    """A model did not pass a gate, or there is none to go back to; the champion is what it was."""


class DeployError(LoanTapError):
    """A deployment did not come about; the message says what is served now."""
