"""The pages of documentation: the README and the README.md of folders."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
PACKAGE = ROOT / "wxrevenue"
CHINESE = PACKAGE / "guide" / "README.zh-CN.md"
"""The Chinese README, with the same code."""
PAGES = [README, *sorted(PACKAGE.glob("**/README*.md")), ROOT / "benchmarks" / "README.md"]
STORIES = [PACKAGE / "ams" / "README.md", PACKAGE / "funds" / "README.md"]
"""Pages that say that their blocks run one after the other."""


def name_of(part: Path | str) -> str:
    """Return the name of a page, or of one of its sections, for a test."""
    return part if isinstance(part, str) else part.parent.relative_to(ROOT).name or "README"


def text_of(page: Path = README) -> str:
    """Return a page's text."""
    return page.read_text(encoding="utf-8")


def table(title: str, page: Path = README) -> list[list[str]]:
    """Return the cells of each row of a section's table, without its head."""
    section = text_of(page).partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| ")][1:]
