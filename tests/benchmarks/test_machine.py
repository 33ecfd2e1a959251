"""What /proc/cpuinfo says, on x86 and on ARM."""

from __future__ import annotations

from benchmarks.machine import flags_of, model_of

X86 = "processor\t: 0\nmodel name\t: Some Processor @ 2.80GHz\nflags\t\t: fpu avx2 avx512_vnni\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd asimddp\n\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n"


def test_the_name_and_flags_of_an_x86() -> None:
    assert model_of(X86) == "Some Processor @ 2.80GHz"
    assert flags_of(X86) == {"fpu", "avx2", "avx512_vnni"}


def test_the_name_and_flags_of_a_pi() -> None:
    assert model_of(ARM) == "Raspberry Pi 5 Model B Rev 1.0"
    assert flags_of(ARM) == {"fp", "asimd", "asimddp"}
