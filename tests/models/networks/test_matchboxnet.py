"""MatchboxNet: the rows of its authors' configuration, added up by hand."""

from __future__ import annotations

import torch
from sepia.models.networks.matchboxnet import MatchboxNet
from support.count import count

_ROWS = ((64, 128, 11), (128, 64, 13), (64, 64, 15), (64, 64, 17), (64, 128, 29))
"""Channels in and out and kernel of the separable layers: NeMo, matchboxnet_3x1x64_v1.yaml."""


def test_counts_are_those_of_the_configuration() -> None:
    separable = sum(kernel * narrow + narrow * out + 2 * out for narrow, out, kernel in _ROWS)
    beside = sum(narrow * out + 2 * out for narrow, out, _ in _ROWS[1:4])
    last, words = 128 * 128 + 2 * 128, 128 * 30 + 30
    with torch.device("meta"):
        found = count(MatchboxNet(), (64, 128))
    assert found.parameters == separable + beside + last + words
    assert found.output_shape == (1, 30)


def test_time_may_be_of_any_length() -> None:
    with torch.device("meta"):
        network = MatchboxNet(words=12).eval()
        assert [network(torch.zeros(1, 64, frames)).shape for frames in (1, 50, 301)] == [(1, 12)] * 3
