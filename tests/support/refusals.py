"""What a constructor refuses."""

from __future__ import annotations

from typing import Any

import pytest

from wxrevenue import ConfigurationError


def refused(make: Any, *args: Any, **kwargs: Any) -> str:
    """Return the text of the ``ConfigurationError`` that a constructor raises."""
    with pytest.raises(ConfigurationError) as caught:
        make(*args, **kwargs)
    assert isinstance(caught.value, ValueError)
    return str(caught.value)
