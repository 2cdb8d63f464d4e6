"""What to say where an optional package is missing.

It is one sentence, right for a clone and for an index.
"""

from __future__ import annotations


def missing(what: str, package: str, extra: str) -> str:
    """Return what is needed and how to get it.

    Args:
        what: that which needs it, as users write it.
        package: that which is not installed.
        extra: the name in brackets that installs it.
    """
    return f"{what} needs {package}: pip install 'wxrevenue[{extra}]' (in a clone: pip install -e '.[{extra}]')"
