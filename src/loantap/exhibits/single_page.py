"""A page that needs nothing but itself, to be kept beside what it describes, and the same as a Word document."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from loantap.exhibits.word import finish_word

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 80rem; margin: 2rem auto; padding: 0 1rem }}
p, ul, .notice {{ max-width: 56rem }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; font-size: .9rem }}
th, td {{ text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #ddd; vertical-align: top }}
td[style*="right"] {{ white-space: nowrap }}
.notice {{ border-left: 4px solid #b45309; padding: .5rem 1rem; background: #fef6e7 }}
</style></head><body>
{body}
</body></html>
"""


def single_page(title: str, parts: Sequence[str]) -> str:
    """Return a page of HTML made from parts in Markdown; texts that people wrote have to be escaped in them."""
    import pypandoc

    body = pypandoc.convert_text(
        "\n\n".join(parts), "html", format="markdown-raw_html-smart", extra_args=["--wrap=none"]
    )
    return _PAGE.format(title=escape(title), body=body)


def word_document(path: Path, title: str, parts: Sequence[str]) -> None:
    """Write the same as a Word document."""
    import pypandoc

    made = path.with_name(f"made-{path.name}")
    try:
        pypandoc.convert_text(
            "\n\n".join(parts),
            "docx",
            format="markdown-raw_html-smart",
            outputfile=str(made),
            extra_args=[f"--metadata=title-meta:{title}"],
        )
        finish_word(made, path)
    finally:
        made.unlink(missing_ok=True)
