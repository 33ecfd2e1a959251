"""Which runtime runs where: facts, and that a refusal always has a reason and something that would do."""

from __future__ import annotations

import pytest
from sepia.devices.facts import BoardFacts
from sepia.devices.profile import PROFILES
from sepia.devices.system import ARCHITECTURES, SYSTEMS, version
from sepia.devices.wheels import WHEELS, architecture_of, runs, runs_on, runtimes_for, runtimes_of
from sepia.errors import ConfigError
from sepia.runtime import RUNTIMES


def facts(machine: str = "aarch64", bits: int = 64, libc: str = "2.36", python: str = "3.11.2") -> BoardFacts:
    return BoardFacts(machine, bits, "bookworm64", libc, python, "/usr/bin/python3", "/home/pi", "pi", 4, 2**30, 2**30)


@pytest.mark.parametrize(
    ("system", "runtimes"),
    [
        ("bookworm64", ("onnxruntime", "litert", "tflite-runtime", "openvino")),
        ("trixie64", ("onnxruntime", "litert", "openvino")),
        ("bullseye64", ("onnxruntime", "litert", "tflite-runtime", "openvino")),
        ("bookworm32", ("tflite-runtime",)),
        ("trixie32", ()),
        ("bullseye32", ()),
    ],
)
def test_what_has_a_wheel_for_a_system(system: str, runtimes: tuple[str, ...]) -> None:
    assert runtimes_for(SYSTEMS[system]) == runtimes


def test_armv6_has_none() -> None:
    assert all(runtimes_for(system) == () for system in PROFILES["pizero"].systems)
    verdict = runs("litert", "armv6l", "2.36", "3.11")
    assert (verdict.ok, verdict.reason) == (False, "no runtime has a wheel for ARMv6")
    assert verdict.nearest == "litert on a Raspberry Pi Zero 2 W with bookworm64"


@pytest.mark.parametrize(
    ("asked", "reason", "nearest"),
    [
        (
            ("litert", "aarch64", "2.31", "3.11"),
            "litert needs glibc 2.34 with Python 3.11 on 64-bit ARM, and here is 2.31",
            "here: onnxruntime, openvino; litert on bookworm64 (Python 3.11, glibc 2.36)",
        ),
        (
            ("tflite-runtime", "aarch64", "2.41", "3.13.5"),
            "tflite-runtime has wheels for Python 3.9 to 3.11 on 64-bit ARM, and here is 3.13",
            "here: onnxruntime, litert, openvino; tflite-runtime on bookworm64 (Python 3.11, glibc 2.36)",
        ),
        (
            ("onnxruntime", "armv7l", "2.36", "3.11"),
            "onnxruntime has no wheel for 32-bit ARM",
            "here: tflite-runtime; onnxruntime on a Raspberry Pi Zero 2 W with bookworm64",
        ),
        (
            ("tflite-runtime", "armv7l", "2.41", "3.13"),
            "tflite-runtime has wheels for Python 3.11 on 32-bit ARM, and here is 3.13",
            "tflite-runtime on bookworm32 (Python 3.11, glibc 2.36)",
        ),
        (
            ("litert", "aarch64", "", "3.11"),
            "litert has wheels for glibc alone, and the libc here is another",
            "litert on bookworm64 (Python 3.11, glibc 2.36)",
        ),
    ],
)
def test_a_refusal(asked: tuple[str, str, str, str], reason: str, nearest: str) -> None:
    verdict = runs(*asked)
    assert (verdict.ok, verdict.reason, verdict.nearest) == (False, reason, nearest)


def test_every_refusal_names_something_that_does_run() -> None:
    pythons = ("3.7", "3.9", "3.11", "3.13", "3.20")
    cases = [
        (runtime, architecture, glibc, python)
        for runtime in RUNTIMES
        for architecture in (*ARCHITECTURES, "riscv64")
        for glibc in ("", "2.24", "2.31", "2.41")
        for python in pythons
    ]
    for case in cases:
        verdict = runs(*case)
        assert verdict.ok == (verdict.reason == "") == (verdict.nearest == "") == (verdict.wheel is not None), case


def test_a_glibc_that_is_as_old_as_a_row_says_will_do_and_one_older_will_not() -> None:
    for row in WHEELS:
        major, minor = version(row.glibc)
        for python in row.pythons:
            assert runs(row.runtime, row.architecture, row.glibc, python).ok, row
            assert not row.fits(row.architecture, f"{major}.{minor - 1}", python), row


def test_every_row_is_of_a_runtime_and_an_architecture_that_there_are() -> None:
    assert {row.runtime for row in WHEELS} == set(RUNTIMES)
    assert {row.architecture for row in WHEELS} <= set(ARCHITECTURES)


def test_numpy_of_a_32_bit_board_is_debians() -> None:
    assert {row.architecture: row.numpy for row in WHEELS if row.runtime == "tflite-runtime"} == {
        "aarch64": "wheel",
        "armv7l": "debian",
        "x86_64": "wheel",
    }


@pytest.mark.parametrize(
    ("machine", "bits", "architecture"),
    [
        ("aarch64", 64, "aarch64"),
        ("aarch64", 32, "armv7l"),
        ("armv8l", 32, "armv7l"),
        ("armv7l", 32, "armv7l"),
        ("armv6l", 32, "armv6l"),
        ("amd64", 64, "x86_64"),
    ],
)
def test_a_32_bit_system_on_a_64_bit_kernel_takes_32_bit_wheels(machine: str, bits: int, architecture: str) -> None:
    assert architecture_of(facts(machine, bits)) == architecture


def test_a_board_that_was_probed() -> None:
    assert runtimes_of(facts()) == tuple(RUNTIMES)
    assert runtimes_of(facts(libc="")) == ()
    assert runs_on("tflite-runtime", facts("aarch64", 32)).ok
    assert not runs_on("litert", facts("aarch64", 32)).ok


def test_an_unknown_runtime_is_no_verdict() -> None:
    with pytest.raises(ConfigError, match="no runtime is called 'tflite'"):
        runs("tflite", "aarch64", "2.36", "3.11")
