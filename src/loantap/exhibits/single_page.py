"""A page that needs nothing but itself, the same as a Word document, and what pandoc leaves out of such a document."""

import re
import zipfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

_READ_AS = "markdown-raw_html-smart"
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

_MARGIN, _LINES = "<w:tblCellMar>", '<w:tblBorders><w:insideH w:val="single" w:sz="4" w:color="BBBBBB"/></w:tblBorders>'
_AROUND = 2  # signs' worth of margin in a cell
_NARROWEST, _WIDEST = 6, 28  # signs by which a column's share of the page is counted at least and at most
# In twentieths of a point: A4, with margins of 2 cm.
_TEXT_WIDTH = 11906 - 2 * 1134
_PAPER = (
    '<w:pgSz w:w="11906" w:h="16838"/>'
    '<w:pgMar w:top="1134" w:right="1134" w:bottom="1134" w:left="1134" w:header="567" w:footer="567" w:gutter="0"/>'
)
_TABLE_TEXT = (
    '<w:style w:type="paragraph" w:customStyle="1" w:styleId="TableText"><w:name w:val="Table Text"/><w:basedOn w:val="Compact"/>'
    '<w:rPr><w:sz w:val="17"/><w:szCs w:val="17"/></w:rPr></w:style>'
)
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_HEADER = (
    f'<?xml version="1.0" encoding="UTF-8"?><w:hdr xmlns:w="{_WORD}"><w:p><w:r><w:rPr><w:b/><w:color w:val="7A5200"/><w:sz w:val="17"/></w:rPr>'
    '<w:t xml:space="preserve">{notice}</w:t></w:r></w:p></w:hdr>'
)
_HEADER_TYPE = '<Override PartName="/word/loantap-header.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.header+xml"/>'
_HEADER_LINK = f'<Relationship Id="rIdNotice" Type="{_LINKS}/header" Target="loantap-header.xml"/>'
_HEADER_USE = f'<w:headerReference w:type="default" r:id="rIdNotice" xmlns:r="{_LINKS}"/>'
_DATE = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</)")
_MOMENT = (1980, 1, 1, 0, 0, 0)  # of every part, so that the same document has the same bytes


def single_page(title: str, parts: Sequence[str]) -> str:
    """Return a page of HTML made from parts in Markdown; texts that people wrote have to be escaped in them."""
    import pypandoc

    body = pypandoc.convert_text("\n\n".join(parts), "html", format=_READ_AS, extra_args=["--wrap=none"])
    return _PAGE.format(title=escape(title), body=body)


def word_document(path: Path, title: str, parts: Sequence[str]) -> None:
    """Write the same as a Word document."""
    import pypandoc

    made, named = path.with_name(f"made-{path.name}"), [f"--metadata=title-meta:{title}"]
    try:
        pypandoc.convert_text("\n\n".join(parts), "docx", format=_READ_AS, outputfile=str(made), extra_args=named)
        finish_word(made, path)
    finally:
        made.unlink(missing_ok=True)


def finish_word(made: Path, path: Path, *, notice: str = "", date: str = "") -> None:
    """Write at `path` what pandoc has made, on A4, with small type and lines in tables.

    Args:
        made: The document that pandoc has made.
        path: Where to.
        notice: What stands at the head of each page.
        date: When it was made, as ISO 8601 with a time; pandoc's own if there is none.
    """
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as document:
        for name in source.namelist():
            content = source.read(name)
            if name in _CHANGES:
                content = _CHANGES[name](content.decode("utf-8"), notice).encode("utf-8")
            if date and name == "docProps/core.xml":
                content = _DATE.sub(rf"\g<1>{date}\g<2>".encode(), content)
            document.writestr(zipfile.ZipInfo(name, _MOMENT), content, zipfile.ZIP_DEFLATED)
        if notice:
            header = _HEADER.format(notice=escape(notice)).encode("utf-8")
            document.writestr(zipfile.ZipInfo("word/loantap-header.xml", _MOMENT), header, zipfile.ZIP_DEFLATED)


def _document(text: str, notice: str) -> str:
    tables = re.sub(r"<w:tbl>.*?</w:tbl>", lambda table: _table(table[0]), text, flags=re.S)
    head, tag, tail = tables.rpartition("<w:sectPr>")
    before, end, after = tail.partition("</w:sectPr>")
    return f"{head}{tag}{_HEADER_USE if notice else ''}{before}{_PAPER}{end}{after}"


def _table(text: str) -> str:
    """Return a table in small type whose columns share the width of the page by their texts, within bounds."""
    rows = [re.findall(r"<w:tc>.*?</w:tc>", row, re.S) for row in re.findall(r"<w:tr>.*?</w:tr>", text, re.S)]
    # A head above several columns tells no width, and a head may wrap.
    whole = [row for row in rows if len(row) == text.count("<w:gridCol ")]
    texts = [[re.sub(r"<[^>]*>", "", cell) for cell in column] for column in zip(*whole, strict=True)]
    longest = [max([*map(len, column[1:]), *map(len, column[0].split())], default=0) for column in texts]
    shares = [min(max(_NARROWEST, signs), _WIDEST) + _AROUND for signs in longest]
    widths = iter(round(_TEXT_WIDTH * share / sum(shares)) for share in shares)
    small = text.replace('<w:pStyle w:val="Compact" />', '<w:pStyle w:val="TableText" />')
    wide = small.replace('<w:tblW w:type="auto" w:w="0" />', f'<w:tblW w:type="dxa" w:w="{_TEXT_WIDTH}" />', 1)
    if shares:
        return re.sub(r'<w:gridCol w:w="\d+" />', lambda column: f'<w:gridCol w:w="{next(widths)}" />', wide)
    return wide


def _styles(text: str, _: str) -> str:
    lined = text.replace(_MARGIN, _LINES + _MARGIN, 1)  # pandoc's own style draws one line, below the heads
    return lined.replace("</w:styles>", f"{_TABLE_TEXT}</w:styles>")


_CHANGES = {
    "word/document.xml": _document,
    "word/styles.xml": _styles,
    "[Content_Types].xml": lambda text, notice: text.replace("</Types>", f"{_HEADER_TYPE if notice else ''}</Types>"),
    "word/_rels/document.xml.rels": lambda text, notice: text.replace("</Relationships>", f"{_HEADER_LINK if notice else ''}</Relationships>"),
}  # fmt: skip
