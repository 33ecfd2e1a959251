"""The words of the pictures, in both languages; and how each writes a number."""

from __future__ import annotations

from typing import Literal

__all__ = ["LANGUAGES", "WORDS", "Language", "number", "percent", "say"]

Language = Literal["en", "ru"]
LANGUAGES: tuple[Language, ...] = ("en", "ru")

WORDS: dict[str, tuple[str, str]] = {
    "input": ("input\nM channels", "вход\nM каналов"),
    "filters": ("N filters k×k×M", "N фильтров k×k×M"),
    "output": ("output\nN channels", "выход\nN каналов"),
    "standard": ("A standard convolution", "Обычная свёртка"),
    "depthwise": ("A depthwise convolution", "Поканальная (depthwise) свёртка"),
    "one filter": ("M filters k×k,\none a channel", "M фильтров k×k,\nпо одному на канал"),
    "output M": ("output\nM channels", "выход\nM каналов"),
    "pointwise": ("A pointwise convolution", "Поточечная (pointwise) свёртка"),
    "columns": ("N filters 1×1×M", "N фильтров 1×1×M"),
    "separable": ("A depthwise separable convolution", "Разделимая по глубине свёртка"),
    "M channels": ("M channels", "M каналов"),
    "filtered": ("each filtered", "каждый отфильтрован"),
    "mixed": ("N mixtures", "N смесей"),
    "step depthwise": ("depthwise k×k", "поканальная k×k"),
    "step pointwise": ("pointwise 1×1", "поточечная 1×1"),
    "multiplier": ("Depth multiplier 2", "Множитель глубины 2"),
    "two filters": ("2 filters\na channel", "по 2 фильтра\nна канал"),
    "output 2M": ("output\n2·M channels", "выход\n2·M каналов"),
    "spatial": ("A spatially separable kernel", "Пространственно разделимое ядро"),
    "weights": ("{0} weights", "весов: {0}"),
    "line": ("Along a line", "Вдоль прямой"),
    "time": ("positions →", "позиции →"),
    "channels": ("channels", "каналы"),
    "line standard": ("standard: a window over all channels", "обычная: окно по всем каналам"),
    "line depthwise": ("depthwise: a window in each channel", "поканальная: своё окно в каждом канале"),
    "line pointwise": ("pointwise: one position, all channels", "поточечная: одна позиция, все каналы"),
    "volume": ("In three dimensions", "В трёх измерениях"),
    "space": ("space 1×k×k", "пространство 1×k×k"),
    "time rod": ("time k×1×1", "время k×1×1"),
    "whole": ("k×k×k", "k×k×k"),
    "ranks": ("Singular values of kernels", "Сингулярные числа ядер"),
    "box": ("box blur", "усреднение"),
    "gauss": ("binomial blur", "биномиальное\nразмытие"),
    "sobel": ("Sobel", "Собель"),
    "laplace": ("Laplacian", "лапласиан"),
    "corner": ("diagonal edge", "диагональный\nперепад"),
    "diagonal": ("diagonal line", "диагональная\nлиния"),
    "rank": ("rank {0}", "ранг {0}"),
    "cost": ("MACs of the pair over those of the standard layer", "MAC пары от MAC обычного слоя"),
    "kernel": ("k = {0}", "k = {0}"),
    "faster": ("The pair instead of the standard layer", "Пара вместо обычного слоя"),
    "fewer MACs": ("fewer MACs, by the formula", "во столько раз меньше MAC, по формуле"),
    "throughput": ("Billions of MACs a second", "Миллиардов MAC в секунду"),
    "l standard": ("standard 3×3", "обычная 3×3"),
    "l pointwise": ("pointwise 1×1", "поточечная 1×1"),
    "l depthwise": ("depthwise 3×3", "поканальная 3×3"),
    "float": ("float", "float"),
    "int8": ("int8", "int8"),
    "onnxruntime": ("ONNX Runtime", "ONNX Runtime"),
    "litert": ("LiteRT", "LiteRT"),
    "shape": ("{0} channels,\n{1}×{1}", "{0} каналов,\n{1}×{1}"),
}
"""Key → English, Russian. {0}, {1}: figures."""


def say(key: str, language: Language, *figures: object) -> str:
    return WORDS[key][LANGUAGES.index(language)].format(*figures)


def number(value: float, digits: int, language: Language) -> str:
    """With a point or a comma; thousands apart by a space that does not break."""
    text = f"{value:,.{digits}f}".replace(",", "\u00a0")
    return text.replace(".", ",") if language == "ru" else text


def percent(share: float, digits: int, language: Language) -> str:
    return number(100 * share, digits, language) + "\u00a0%"
