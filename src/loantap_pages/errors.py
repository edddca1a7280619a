"""What keeps a site from being rendered."""


class PageError(Exception):
    """A page, or the site's settings, cannot be rendered; the message names file and line."""


class MissingProgramError(Exception):
    """Pandoc or typst is not installed; the message says how to get it."""
