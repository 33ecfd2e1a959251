"""Kernels decomposed by TensorLy, in an environment of its own: NumPy, SciPy and TensorLy alone.

    python tensorly_road.py LAYERS.npz ASKED.json OUT.npz

LAYERS: name → weight [C_out, C_in, k, k]. ASKED: name → {"tucker": [rank out, rank in] or null, "cp": rank or null}.
OUT: "name/tucker/0…2": reduce [r_in, C_in], core [r_out, r_in, k, k], expand [C_out, r_out]; "name/cp/0…3": [R, C_in],
[R, k], [R, k], [C_out, R]. Tucker: Kim et al. 2016, arXiv:1511.06530; CP: Lebedev et al. 2015, arXiv:1412.6553.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from tensorly.decomposition import parafac, partial_tucker


def main(layers: str, asked: str, out: str) -> None:
    wanted = json.loads(Path(asked).read_text(encoding="utf-8"))
    found = {}
    with np.load(layers) as weights:
        for name, ranks in wanted.items():
            weight = weights[name].astype(np.float64)
            if ranks["tucker"]:
                (core, (left, right)), _ = partial_tucker(weight, rank=ranks["tucker"], modes=[0, 1], init="svd")
                found |= {f"{name}/tucker/0": right.T, f"{name}/tucker/1": core, f"{name}/tucker/2": left}
            if ranks["cp"]:
                said = parafac(weight, ranks["cp"], n_iter_max=500, init="svd", random_state=0, tol=1e-9)
                outputs, inputs, rows, columns = said.factors
                for index, factor in enumerate((inputs.T, rows.T, columns.T, outputs * said.weights)):
                    found[f"{name}/cp/{index}"] = factor
    np.savez(out, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
