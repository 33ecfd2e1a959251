"""Sentences that all forms of the report share."""

from __future__ import annotations

from sepia.report.results import Calibration, Conditions, DeviceFacts, QuantizationFacts
from sepia.report.statements import (
    calibration_statement,
    conditions_statement,
    device_statement,
    failed_devices,
    how_statement,
)
from support.sample_results import make_row, sample


def test_how_counts_each_of_the_three() -> None:
    text = how_statement(sample("lite0-host").rows + sample("lite0-pi4").rows)
    assert text.startswith("12 rows: 8 measured on that hardware; 2 emulated (")
    assert "2 predicted by a model" in text
    assert how_statement([make_row()]) == "1 row: 1 measured on that hardware."
    assert how_statement([]) == "There are no rows."


def test_built_in_calibration_is_said_aloud() -> None:
    data = Calibration(name="the photos in scikit-image", count=16, built_in=True)
    text = calibration_statement(QuantizationFacts(model="m", recipe="mse", calibration=data))
    assert text == (
        "m (recipe mse): calibrated on the photos in scikit-image, 16 samples: "
        "no calibration data was given, so ranges may not fit yours."
    )


def test_own_calibration_and_saturation_safe_weights() -> None:
    data = Calibration(name="photos/", count=200)
    made = QuantizationFacts(model="m", calibration=data, saturation_safe=True)
    assert calibration_statement(made) == (
        "m: calibrated on photos/, 200 samples. Weights keep to half their range (saturation-safe)."
    )
    assert "unknown" in calibration_statement(QuantizationFacts(model="m"))


def test_device_with_its_state_over_all_its_rows() -> None:
    device = DeviceFacts(name="host-debian12", cpu="Cortex-A72", cores=4, memory_bytes=4 * 2**30)
    rows = [
        make_row(before=Conditions(temperature_c=50, throttled=False), after=Conditions(temperature_c=81)),
        make_row(threads=4, after=Conditions(throttled=True, frequency_mhz=600, governor="ondemand")),
        make_row(target="pi4-x-litert-t1", after=Conditions(temperature_c=20)),
    ]
    assert device_statement(device, rows) == (
        "host-debian12: Cortex-A72, 4 cores, 4.00 GiB; "
        "clock 600 MHz, governor ondemand, temperature 50–81 °C, THROTTLED."
    )


def test_nothing_known_is_said_so() -> None:
    assert device_statement(DeviceFacts(name="x"), []) == "x: nothing known."
    assert conditions_statement([make_row()]) == ""


def test_a_board_says_what_it_is_and_an_emulated_one_that_it_is_none() -> None:
    board = DeviceFacts(name="shed-bookworm64", model="Raspberry Pi 4", cores=4, libc="2.36", clock_skew_s=-2.2e8)
    assert device_statement(board, []) == (
        "shed-bookworm64: Raspberry Pi 4, 4 cores, glibc 2.36, its clock 7.0 years behind."
    )
    emulated = DeviceFacts(name="pi4.emulator-x", how="emulated", cpu="Cortex-A72", clock_skew_s=3.0)
    assert device_statement(emulated, []) == "pi4.emulator-x: emulated core: Cortex-A72."


def test_a_failed_board_keeps_its_first_cause() -> None:
    attic = DeviceFacts(name="attic", failure="attic: unknown host; next: check the name.")
    other = DeviceFacts(name="pi4", cores=4, failure="pi@10.0.0.7: link lost")
    assert device_statement(attic, []) == "attic: FAILED: unknown host; next: check the name."
    assert device_statement(other, []) == "pi4: 4 cores; FAILED: pi@10.0.0.7: link lost."
    assert failed_devices([attic, DeviceFacts(name="well"), other]) == [
        "attic: unknown host; next: check the name.",
        "pi4: pi@10.0.0.7: link lost",
    ]
