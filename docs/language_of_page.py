"""Says in a page's HTML which language it is in, where its file's name does: `.ru.md` is Russian."""

from __future__ import annotations

import re
from typing import Any

_SUFFIX = re.compile(r"\.([a-z]{2})\.md$")


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """mkdocs calls this with each page's HTML."""
    found = _SUFFIX.search(page.file.src_uri)
    return output if found is None else re.sub(r'<html lang="\w+"', f'<html lang="{found[1]}"', output, count=1)
