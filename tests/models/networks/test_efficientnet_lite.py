"""Our Lite0 is the package's: the same logits from the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sepia.errors import ModelError
from sepia.inputs import LabelledFolder, read_photo
from sepia.models.networks import efficientnet_lite
from sepia.models.networks.efficientnet_lite import efficientnet_lite0
from sepia.models.zoo import ZOO


@pytest.mark.parametrize("size", [224, 97])
def test_logits_are_those_of_the_reference(size: int) -> None:
    reference = pytest.importorskip("efficientnet_lite_pytorch", reason="the package that trained it is not here")
    theirs = reference.EfficientNet.from_name("efficientnet-lite0", image_size=size)
    theirs.load_state_dict(torch.load(efficientnet_lite._weights_path(), weights_only=True))
    values = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(efficientnet_lite0()(values), theirs.eval()(values), rtol=0, atol=1e-5)


@pytest.mark.photos
def test_it_knows_photos(photos: Path) -> None:
    entry, network = ZOO["efficientnet-lite0"], efficientnet_lite0()
    items = list(LabelledFolder(photos / "validation"))[::8]
    batch = torch.from_numpy(np.stack([read_photo(path, entry.preparation) for path, _ in items]))
    with torch.no_grad():
        found = network(batch).argmax(1)
    right = sum(int(one) == index for one, (_, index) in zip(found, items, strict=True))
    assert right >= 0.7 * len(items)


def test_weights_of_another_network_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"a.weight": torch.zeros(1)}, tmp_path / "other.pth")
    monkeypatch.setattr(efficientnet_lite, "_weights_path", lambda: tmp_path / "other.pth")
    with pytest.raises(ModelError, match=r"other\.pth: holds 1 tensors, EfficientNet-Lite0 has 296: \['stem"):
        efficientnet_lite0()


@pytest.mark.parametrize("data", [b"", b"not a checkpoint"])
def test_broken_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    (tmp_path / "broken.pth").write_bytes(data)
    monkeypatch.setattr(efficientnet_lite, "_weights_path", lambda: tmp_path / "broken.pth")
    with pytest.raises(ModelError, match=r"broken\.pth: cannot be read as weights.*next: reinstall"):
        efficientnet_lite0()
