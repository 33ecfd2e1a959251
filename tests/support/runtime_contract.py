"""What every runtime must do alike. Each runtime's test file inherits `RuntimeContract` and says how files are made."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from sepia.errors import InputError, RunError
from sepia.runtime.interface import Runtime, Session

from .tiny_models import SIZE, C, TinyModel

__all__ = ["RuntimeContract"]


class RuntimeContract:
    """A subclass sets `runtime` and `channels_last`, and writes the tiny network in its own format."""

    runtime: ClassVar[Runtime]
    channels_last: ClassVar[bool] = False
    weights: ClassVar[TinyModel] = TinyModel.drawn()

    def write(self, folder: Path, *, int8: bool = False, open_batch: bool = False) -> Path:
        raise NotImplementedError

    # What the file takes and gives, from and to [N, C, H, W].

    def own(self, image: NDArray[Any]) -> NDArray[Any]:
        return np.ascontiguousarray(image.transpose(0, 2, 3, 1)) if self.channels_last else image

    def back(self, result: NDArray[Any]) -> NDArray[Any]:
        return result.transpose(0, 3, 1, 2) if self.channels_last else result

    def infer(self, session: Session, image: NDArray[Any]) -> NDArray[Any]:
        return self.back(session.run({"image": self.own(image)})["result"])

    @pytest.fixture
    def float_file(self, tmp_path: Path) -> Path:
        return self.write(tmp_path)

    @pytest.fixture
    def int8_file(self, tmp_path: Path) -> Path:
        return self.write(tmp_path, int8=True)

    # Outputs

    def test_float_outputs_are_those_of_plain_loops(self, float_file: Path) -> None:
        image = TinyModel.photo(5)
        with self.runtime.open(float_file) as session:
            np.testing.assert_allclose(self.infer(session, image), self.weights.reference(image), atol=1e-5)

    def test_int8_outputs_are_within_two_codes_of_float(self, int8_file: Path) -> None:
        image = TinyModel.photo()
        scale, _ = self.weights.ranges()["result"]
        with self.runtime.open(int8_file) as session:
            error = np.abs(self.infer(session, image) - self.weights.reference(image))
        assert 0 < error.max() <= 2 * scale

    def test_a_later_run_leaves_earlier_results_alone(self, float_file: Path) -> None:
        with self.runtime.open(float_file) as session:
            first = self.infer(session, TinyModel.photo(2))
            kept = first.copy()
            self.infer(session, TinyModel.photo(3))
        np.testing.assert_array_equal(first, kept)

    def test_two_files_can_be_open_at_once(self, tmp_path: Path) -> None:
        image = TinyModel.photo()
        files = [self.write(tmp_path / name, int8=name == "int8") for name in ("float", "int8")]
        with self.runtime.open(files[0]) as one, self.runtime.open(files[1]) as other:
            differs = not np.array_equal(self.infer(one, image), self.infer(other, image))
            again = self.infer(one, image)
        assert differs
        np.testing.assert_allclose(again, self.weights.reference(image), atol=1e-5)

    @pytest.mark.parametrize("int8", [False, True])
    def test_threads_do_not_change_outputs(self, tmp_path: Path, int8: bool) -> None:
        file = self.write(tmp_path, int8=int8)
        with self.runtime.open(file, threads=1) as one, self.runtime.open(file, threads=2) as two:
            np.testing.assert_allclose(
                self.infer(one, TinyModel.photo()), self.infer(two, TinyModel.photo()), atol=0 if int8 else 1e-6
            )

    def test_an_open_batch_is_minus_one_and_takes_any_size(self, tmp_path: Path) -> None:
        images = np.concatenate([TinyModel.photo(seed) for seed in (1, 2, 3)])
        with self.runtime.open(self.write(tmp_path, open_batch=True)) as session:
            shape = session.inputs[0].shape
            together = self.infer(session, images)
            alone = self.infer(session, images[1:2])
        assert (shape[0], sorted(shape[1:])) == (-1, [SIZE, SIZE, C])
        np.testing.assert_allclose(
            together, np.concatenate([self.weights.reference(i[None]) for i in images]), atol=1e-5
        )
        np.testing.assert_allclose(alone, self.weights.reference(images[1:2]), atol=1e-5)

    # What it says of itself

    def test_inputs_and_outputs_are_the_files_own(self, float_file: Path) -> None:
        shape = (1, SIZE, SIZE, C) if self.channels_last else (1, C, SIZE, SIZE)
        with self.runtime.open(float_file) as session:
            found = [(info.name, info.shape, info.dtype) for info in (*session.inputs, *session.outputs)]
        assert found == [("image", shape, "float32"), ("result", shape, "float32")]

    @pytest.mark.parametrize(("int8", "expected"), [(False, "float32"), (True, "int8")])
    def test_both_layers_and_nothing_else_are_placed(self, tmp_path: Path, int8: bool, expected: str) -> None:
        with self.runtime.open(self.write(tmp_path, int8=int8)) as session:
            placements = session.placements()
        computing = [placement for placement in placements if placement.precision != "none"]
        assert [placement.precision for placement in computing] == [expected, expected], placements
        assert [placement.layer for placement in computing] == self.layer_names(int8)
        assert all(placement.op and placement.kernel for placement in placements)

    def layer_names(self, int8: bool) -> list[str]:
        return ["mix", "spread"]

    def test_version_is_a_number(self) -> None:
        assert all(part.isdigit() for part in self.runtime.version().split(".")[:2])

    # Refusals

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda name, array: {"picture": array}, "no input 'picture'"),
            (lambda name, array: {}, "'image' was not given"),
            (lambda name, array: {name: array, "more": array}, "no input 'more'"),
            (lambda name, array: {name: array[..., :-1]}, "'image' is [1, "),
            (lambda name, array: {name: array[0]}, "'image' is ["),
            (lambda name, array: {name: array.astype(np.float64)}, "'image' is float64"),
            (lambda name, array: {name: array.tolist()}, "'image' is list"),
        ],
        ids=["wrong name", "no input", "too many", "wrong shape", "wrong rank", "wrong dtype", "no array"],
    )
    def test_wrong_feeds_are_refused(self, float_file: Path, change: Any, told: str) -> None:
        with self.runtime.open(float_file) as session:
            with pytest.raises(RunError) as refusal:
                session.run(change("image", self.own(TinyModel.photo())))
            self.infer(session, TinyModel.photo())  # still fit for use
        assert told in str(refusal.value)
        assert "\n" not in str(refusal.value)

    @pytest.mark.parametrize("share", [0.3, 0.9])
    def test_a_truncated_file_is_refused_in_one_line(self, float_file: Path, share: float) -> None:
        whole = float_file.read_bytes()
        float_file.write_bytes(whole[: int(len(whole) * share)])
        self.assert_refused(float_file)

    def test_a_file_of_noise_is_refused_in_one_line(self, float_file: Path) -> None:
        float_file.write_bytes(np.random.default_rng(0).bytes(2000))
        self.assert_refused(float_file)

    def assert_refused(self, file: Path) -> None:
        with pytest.raises(RunError) as refusal:
            self.runtime.open(file)
        assert str(file) in str(refusal.value)
        assert "\n" not in str(refusal.value)

    def test_missing_empty_and_foreign_files_are_refused(self, float_file: Path, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no such file"):
            self.runtime.open(tmp_path / f"none{float_file.suffix}")
        empty = tmp_path / f"empty{float_file.suffix}"
        empty.touch()
        empty.with_suffix(".bin").touch()
        with pytest.raises(InputError, match="empty"):
            self.runtime.open(empty)
        foreign = tmp_path / "model.txt"
        foreign.write_text("x")
        with pytest.raises(InputError, match=r"does not read '\.txt'"):
            self.runtime.open(foreign)
        with pytest.raises(InputError, match="not a file"):
            self.runtime.open(tmp_path)

    def test_no_threads_are_refused(self, float_file: Path) -> None:
        with pytest.raises(RunError, match="0 threads"):
            self.runtime.open(float_file, threads=0)

    def test_a_closed_session_says_so(self, float_file: Path) -> None:
        with self.runtime.open(float_file) as session:
            pass
        session.close()
        with pytest.raises(RunError, match="closed"):
            self.infer(session, TinyModel.photo())
        with pytest.raises(RunError, match="closed"):
            session.placements()
