"""What the results say once, beside their rows: networks, devices, quantisations, files, parity and error by layer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from .fact import Bytes, Count, Fact, How, Share
from .row import FloatLayer

__all__ = ["Calibration", "DeviceFacts", "FileFacts", "LayerError", "ModelFacts", "Parity", "QuantizationFacts"]


class ModelFacts(Fact):
    """A network: where it came from and what it is made of."""

    name: str
    source: str | None = None
    """What the user named: zoo name, file.py:factory, .pt2 or .onnx."""
    weights: str | None = None
    """Where the weights came from; null: not told, "random" where they are."""
    parameters: Count | None = None
    macs: Count | None = None
    separable_share: Share | None = None
    """Share of the MACs in depthwise and pointwise layers."""
    input_shape: tuple[int, ...] | None = None
    """[N, C, H, W]."""
    preparation: dict[str, Any] | None = None
    """How an input is prepared: the fields of the files' `sepia.preparation`."""
    reference: str | None = None


class DeviceFacts(Fact):
    """A board or host with its operating system. Belongs to the rows whose target begins with `name` and a hyphen."""

    name: str
    """board-os, as targets begin: host-debian12, pi4-bookworm64; the board alone where it failed before it told."""
    how: How | None = None
    """How figures from it are had. "emulated": facts are those of its profile."""
    profile: str | None = None
    """Name of the profile that it was taken for: pi4."""
    model: str | None = None
    """What the board calls itself: Raspberry Pi 4 Model B Rev 1.4."""
    failure: str | None = None
    """Why it failed, the first cause; rows measured before are kept."""
    cpu: str | None = None
    """Processor model, as it names itself."""
    cores: Annotated[int, Field(gt=0)] | None = None
    architecture: str | None = None
    """x86_64, aarch64, armv7l, armv6l."""
    extensions: tuple[str, ...] = ()
    """What counts for int8: "avx2", "avx512_vnni", "dotprod", "i8mm", …"""
    max_frequency_mhz: Annotated[float, Field(gt=0)] | None = None
    memory_bytes: Bytes | None = None
    system: str | None = None
    """Operating system and kernel."""
    libc: str | None = None
    """Version of glibc: 2.36."""
    python: str | None = None
    clock_skew_s: float | None = None
    """The device's clock less that of the machine that asked it, in s."""
    virtual: bool | None = None
    """Whether it is a virtual machine, whose clock and neighbours nobody knows."""


class Calibration(Fact):
    """The data that the ranges came from."""

    name: str
    count: Annotated[int, Field(gt=0)]
    """How many samples."""
    built_in: bool = False
    """True: the few photos that come with scikit-image, because no data was given."""


class QuantizationFacts(Fact):
    """How the int8 files of one model and recipe were made."""

    model: str
    recipe: str | None = None
    activations: Literal["uint8", "int8"] | None = None
    """Encoding of the activations in the QDQ file."""
    saturation_safe: bool = False
    """Whether weights keep to half their range, for kernels that saturate."""
    calibration: Calibration | None = None
    float_layers: tuple[FloatLayer, ...] = ()
    """Layers left in float on purpose, with reasons."""
    seconds: Annotated[float, Field(ge=0)] | None = None


class FileFacts(Fact):
    """One file that a model was written to."""

    model: str
    file: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    bytes: Bytes | None = None


class Parity(Fact):
    """One runtime's int8 layers against another's, given the same int8 inputs."""

    model: str
    recipe: str | None = None
    runtime: str
    reference: str
    """The runtime it is compared with."""
    target: str | None = None
    layers: Count
    """How many layers were compared."""
    equal: Share
    """Share of equal output codes over all layers."""
    worst_lsb: Count
    """The greatest difference of one code."""
    worst_layer: str | None = None


class LayerError(Fact):
    """Error of one layer's output along the depth of the network, against the float model or another runtime."""

    model: str
    recipe: str | None = None
    runtime: str
    """Whose outputs."""
    reference: str = "float"
    """What they are compared with: "float" or a runtime."""
    index: Count
    """Place along the depth, from 0."""
    layer: str
    kind: str | None = None
    sqnr_db: float | None = None
    """Signal to quantisation-noise ratio, 10·log10(Σ float² / Σ (float − int8)²), in dB; null where the noise is 0."""
    rms_lsb: Annotated[float, Field(ge=0)] | None = None
    """Root mean square difference in steps of the output's scale."""
    max_lsb: Annotated[float, Field(ge=0)] | None = None
    equal: Share | None = None
    """Share of equal codes."""
