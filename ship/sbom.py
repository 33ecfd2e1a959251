"""A bundle's bill of materials: CycloneDX 1.6 in JSON, the same text for the same content.

The serial number is derived from the content, and there is no time stamp: both are what would differ between two builds
of one thing (CycloneDX 1.6, `serialNumber` and `metadata.timestamp`, both optional).
"""

from __future__ import annotations

import importlib.metadata
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .agent.manifest import File
from .provenance import TOOLS

if TYPE_CHECKING:
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component

__all__ = ["PATH", "sbom_json"]

PATH = "sbom.cdx.json"
"""Name in a bundle."""

_NAMESPACE = uuid.UUID("6f1a7c1e-6f0b-5c55-9b7e-8a3f0a5d2c11")
"""Ours, for version 5 (RFC 9562, section 5.5)."""


def sbom_json(
    model: str, version: str, target: str, runtime: str, files: Sequence[File], provenance: Mapping[str, Any]
) -> str:
    """Files of the bundle with their digests, the runtime that it is for, and the tools that made it.

    files: those that are in the bundle but the bill itself. provenance: as `provenance.provenance` gives it.
    """
    from cyclonedx.output.json import JsonV1Dot6

    bom = _bom(model, version, target, runtime, files, provenance)
    told = json.loads(JsonV1Dot6(bom).output_as_string())
    # The library always gives the hour and a random number.
    del told["metadata"]["timestamp"], told["serialNumber"]
    content = json.dumps(told, sort_keys=True)
    told["serialNumber"] = uuid.uuid5(_NAMESPACE, content).urn
    return json.dumps(told, indent=1, sort_keys=True) + "\n"


def _bom(
    model: str, version: str, target: str, runtime: str, files: Sequence[File], provenance: Mapping[str, Any]
) -> Bom:
    from cyclonedx.model import Property
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType

    told = {"target": target, "source": provenance.get("source"), "weights": provenance.get("weights")}
    root = Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=model,
        version=version,
        bom_ref=f"{model}@{version}",
        properties=[Property(name=f"sepia:{key}", value=value) for key, value in told.items() if value],
    )
    parts = [_file(file) for file in files]
    engine = Component(type=ComponentType.FRAMEWORK, name=runtime, bom_ref=f"runtime:{runtime}")
    bom = Bom(components=[*parts, engine])
    bom.metadata.component = root
    for name, found in sorted(provenance["tools"].items()):
        bom.metadata.tools.components.add(_tool(name, found))
    bom.register_dependency(root, [*parts, engine])
    return bom


def _file(file: File) -> Component:
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.component import Component, ComponentType

    return Component(
        type=ComponentType.FILE,
        name=file.path,
        bom_ref=f"file:{file.path}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=file.sha256)],
        properties=[Property(name="sepia:role", value=file.role), Property(name="sepia:bytes", value=str(file.bytes))],
    )


def _tool(name: str, version: str) -> Component:
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.license import LicenseExpression
    from packageurl import PackageURL

    licence = _licence_expression(name)
    return Component(
        type=ComponentType.APPLICATION,
        name=name,
        version=version,
        bom_ref=f"tool:{name}@{version}",
        purl=PackageURL("pypi", name=name, version=version) if name in TOOLS else None,
        licenses=[LicenseExpression(licence)] if licence else (),
    )


def _licence_expression(name: str) -> str | None:
    """As the distribution's own metadata says it (PEP 639), if it does."""
    try:
        said = importlib.metadata.metadata(name).get_all("License-Expression")
    except importlib.metadata.PackageNotFoundError:
        return None
    return said[0] if said else None
