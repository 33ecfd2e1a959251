"""Networks that several of this room's tests share."""

from __future__ import annotations

import pytest
from support.float_and_int8 import float_and_int8


@pytest.fixture(scope="session")
def networks(tmp_path_factory):
    """The float file and the QDQ file of one tiny network."""
    return float_and_int8(tmp_path_factory.mktemp("networks"))
