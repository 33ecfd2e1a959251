"""The agent's refusals on the host: the same words, in the host's own tree of errors."""

from __future__ import annotations

import pytest
from sepia.errors import InputError, OutputError
from sepia.ship.agent.errors import Refused
from sepia.ship.host_error import host_error


@pytest.mark.parametrize(("kind", "error"), [("archive", InputError), ("limit", InputError), ("disk", OutputError)])
def test_a_refusal_is_told_as_the_hosts(kind: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^x: is odd; next: try again$"), host_error():
        raise Refused("x", "is odd", kind=kind, hint="try again")


def test_others_pass() -> None:
    with pytest.raises(ValueError, match="other"), host_error():
        raise ValueError("other")
