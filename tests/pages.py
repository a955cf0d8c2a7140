"""The documentation as data: pages, their headings, links and blocks of code.

`python -m tests.pages docs/learning.md` runs a page and writes what its code prints into the blocks that show it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changes").glob("*.md")])
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(?P<language>\w+)(?P<more>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Code of a page; runs : False where the page says ``no-run`` beside the language.

    output : it is what the Python before it prints, ``text output``.
    """

    language: str
    code: str
    runs: bool
    line: int
    output: bool = False


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            m["language"],
            m["code"],
            "no-run" not in m["more"].split(),
            text.count("\n", 0, m.start()) + 1,
            "output" in m["more"].split(),
        )
        for m in _BLOCK.finditer(text)
    ]


def links(page: Path) -> list[str]:
    return _LINK.findall(_FENCED.sub("", page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """What a heading is called in an address."""
    headings = _HEADING.findall(_FENCED.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def printed(page: Path, names: dict[str, Any] | None = None) -> Iterator[tuple[Block, str]]:
    """Run the Python of a page, here; each block that shows output, and what the Python since the one before printed."""
    names = {} if names is None else names
    heard = io.StringIO()
    for block in blocks(page):
        if block.language == "python" and block.runs:
            with contextlib.redirect_stdout(heard):
                exec(compile("\n" * block.line + block.code, page, "exec"), names)
        elif block.output:
            # Columns that only the longest of several lines fills need not end in spaces.
            yield block, "".join(f"{line.rstrip()}\n" for line in heard.getvalue().splitlines())
            heard = io.StringIO()


#: Pages that show files of others, which lie beside the checkout.
FILES = {
    "interchange.md": ("km3net/geamon.h5", "km3net/geamon.h5.prov.json", "prov/directory-cwlprov-0.6.0.json"),
}  # fmt: skip


def bring_files(page: Path, shared: Path, folder: Path) -> None:
    """Copy the files that a page shows to where it runs."""
    for file in FILES.get(page.name, ()):
        shutil.copyfile(shared / "data" / file, folder / Path(file).name)


def rewrite(page: Path) -> None:
    """Run a page in an empty directory and put what it prints into it."""
    page = page.resolve()
    back = Path.cwd()
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        os.environ["PROVGRAPH_AUDIT_KEY"] = str(Path(directory) / "audit-key.pem")
        bring_files(page, ROOT.parent / "shared", Path(directory))
        try:
            found = [text for _, text in printed(page)]
        finally:
            os.chdir(back)
    texts = iter(found)

    def filled(match: re.Match[str]) -> str:
        if "output" not in match["more"].split():
            return match[0]
        return f"```{match['language']}{match['more']}\n{next(texts)}```"

    page.write_text(_BLOCK.sub(filled, page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    for path in sys.argv[1:]:
        rewrite(Path(path))
