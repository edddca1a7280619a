"""From loan data to a published, honest report of what drives credit default."""

from importlib.metadata import version

__version__ = version("loantap")
