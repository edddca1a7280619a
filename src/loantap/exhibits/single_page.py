"""A page that needs nothing but itself, to be kept beside what it describes, and the same as a Word document."""

import zipfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 56rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; font-size: .9rem }}
th, td {{ text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #ddd; vertical-align: top }}
td[style*="right"] {{ white-space: nowrap }}
.notice {{ border-left: 4px solid #b45309; padding: .5rem 1rem; background: #fef6e7 }}
</style></head><body>
{body}
</body></html>
"""
_MARGIN, _LINES = "<w:tblCellMar>", '<w:tblBorders><w:insideH w:val="single" w:sz="4" w:color="BBBBBB"/></w:tblBorders>'


def single_page(title: str, parts: Sequence[str]) -> str:
    """Return a page of HTML made from parts in Markdown; texts that people wrote have to be escaped in them."""
    import pypandoc

    body = pypandoc.convert_text(
        "\n\n".join(parts), "html", format="markdown-raw_html-smart", extra_args=["--wrap=none"]
    )
    return _PAGE.format(title=escape(title), body=body)


def word_document(path: Path, title: str, parts: Sequence[str]) -> None:
    """Write the same as a Word document, with a line below each row of a table."""
    import pypandoc

    plain = path.with_name(f"plain-{path.name}")
    text = "\n\n".join(parts)
    try:
        pypandoc.convert_text(
            text,
            "docx",
            format="markdown-raw_html-smart",
            outputfile=str(plain),
            extra_args=[f"--metadata=title-meta:{title}"],
        )
        with zipfile.ZipFile(plain) as made, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as document:
            for part in made.infolist():
                content = made.read(part)
                if part.filename == "word/styles.xml":  # pandoc's own style draws one line, below the heads
                    content = content.replace(_MARGIN.encode(), (_LINES + _MARGIN).encode(), 1)
                document.writestr(part, content)
    finally:
        plain.unlink(missing_ok=True)
