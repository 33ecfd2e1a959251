"""Names of targets: one grammar, read and written."""

from __future__ import annotations

import platform

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sepia.devices import Target, host, host_targets
from sepia.devices.target import NATIVE
from sepia.errors import ConfigError
from sepia.runtime import RUNTIMES

PART = st.from_regex(r"[a-z0-9][a-z0-9.]{0,8}", fullmatch=True)


@given(PART, PART, st.sampled_from(sorted(RUNTIMES)), st.integers(1, 256))
def test_a_name_is_read_back(board: str, os: str, runtime: str, threads: int) -> None:
    target = Target(board, os, runtime, threads)
    assert Target.parse(target.name) == target
    assert str(target) == target.name


def test_a_name_reads_as_it_is_written_down() -> None:
    assert Target.parse("pi4-bookworm64-litert-t4") == Target("pi4", "bookworm64", "litert", 4)
    assert Target.parse("host-debian12-tflite-runtime-t1").runtime == "tflite-runtime"
    assert Target.parse("pizero-bookworm32-native-t1") == Target("pizero", "bookworm32", NATIVE, 1)


@pytest.mark.parametrize(
    "name",
    ["", "pi4", "pi4-bookworm64-litert", "pi4-bookworm64-litert-4", "pi4-litert-t4", "Pi4-bookworm64-litert-t4",
     "pi4-bookworm64-litert-t4 ", "pi4-bookworm64-litert-t", "pi4-bookworm64-litert-t-1", "pi_4-a-litert-t1"],
)  # fmt: skip
def test_what_is_no_name_shows_the_grammar(name: str) -> None:
    with pytest.raises(ConfigError) as told:
        Target.parse(name)
    assert f"'{name}'" in " ".join(str(told.value).split()) or name.endswith(" ")
    assert "<board>-<system>-<runtime>-t<threads>" in str(told.value)


def test_an_unknown_runtime_gives_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean litert"):
        Target.parse("pi4-bookworm64-litrt-t4")


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (("Pi 4", "a", "litert", 1), "'Pi 4' is no name of a board"),
        (("pi4", "a-b", "litert", 1), "'a-b' is no name of a system"),
        (("pi4", "a", "litert", 0), "0 threads"),
    ],
)
def test_parts_that_no_name_can_carry_are_refused(parts: tuple[str, str, str, int], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Target(*parts)


def test_this_machine_with_every_runtime_and_thread_count() -> None:
    found = host_targets(["litert", "openvino", "litert"], [1, 2, 1])
    assert [(target.runtime, target.threads) for target in found] == [
        ("litert", 1), ("litert", 2), ("openvino", 1), ("openvino", 2),
    ]  # fmt: skip
    assert all(target.local for target in found)
    assert not Target.parse("pi4-bookworm64-litert-t4").local


@pytest.mark.parametrize(
    ("release", "system"),
    [
        ({"ID": "debian", "VERSION_ID": "12"}, "debian12"),
        ({"ID": "ubuntu", "VERSION_ID": "24.04"}, "ubuntu24.04"),
        ({"ID": "arch"}, "arch"),
        ({"ID": "opensuse-leap", "VERSION_ID": "15.6"}, "opensuseleap15.6"),
        ({"ID": "_", "VERSION_ID": ""}, "unknown"),
    ],
)
def test_the_system_is_named_by_its_release(
    monkeypatch: pytest.MonkeyPatch, release: dict[str, str], system: str
) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    assert host("litert").name == f"host-{system}-litert-t1"


def test_a_system_without_a_release_file_goes_by_its_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> dict[str, str]:
        raise OSError

    monkeypatch.setattr(platform, "freedesktop_os_release", missing)
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "release", lambda: "23.1.0")
    assert host("litert").os == "darwin23.1.0"
