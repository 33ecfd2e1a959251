"""Systems: word widths and versions."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from sepia.devices.system import SYSTEMS, System, version


def test_a_system_of_64_and_one_of_32_bits_of_each_suite() -> None:
    assert {(one.suite, one.bits) for one in SYSTEMS.values()} == {
        (suite, bits) for suite in ("bullseye", "bookworm", "trixie") for bits in (32, 64)
    }
    assert all(name == f"{one.suite}{one.bits}" for name, one in SYSTEMS.items())


def test_debians_name_and_the_machines_must_agree() -> None:
    known = SYSTEMS["bookworm64"].model_dump() | {"debian": "armhf"}
    with pytest.raises(ValidationError, match="armhf is not built for aarch64"):
        System.model_validate(known)


def test_versions_compare_by_number() -> None:
    assert version("3.9") < version("3.11") < version("3.11.2+") < version("3.13")
    assert version("2.4") < version("2.31")
    assert version("unknown") == ()
