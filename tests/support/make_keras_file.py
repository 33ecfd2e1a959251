"""How `files/keras3.onnx` was made: a small separable network of Keras 3.15 on its torch backend, by `model.export`.

    pip install --target keras --no-deps keras namex optree absl-py h5py
    PYTHONPATH=keras python tests/support/make_keras_file.py tests/support/files/keras3.onnx

Keras is no dependency of the tests: they read the file.
"""

from __future__ import annotations

import os
import sys

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
from keras import layers


def network() -> keras.Model:
    """[1, 12, 12, 3] → [1, 5]."""
    keras.utils.set_random_seed(0)
    start = keras.Input((12, 12, 3), batch_size=1)
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(start)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU(max_value=6.0)(x)
    x = layers.Add()([x, layers.SeparableConv2D(4, 3, padding="same", activation="relu")(x)])
    x = layers.UpSampling2D(2)(x)
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(start, layers.Dense(5, activation="softmax")(x))
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([np.random.uniform(0.5, 1.5, weights.shape) for weights in layer.get_weights()])
    model(np.zeros((1, 12, 12, 3), np.float32))
    return model


if __name__ == "__main__":
    network().export(sys.argv[1], format="onnx", verbose=False)
