"""The Silero v5/v6 network in numpy, computed for many calls at once.

Each window of 32 ms: four STFT magnitudes, four convolutions (k = 3) with ReLU, one LSTM cell, one sigmoid. The third
convolution has no column at its left tap, the fourth only the middle one: both are plain matrix products.
The result equals onnxruntime's within rounding (tested: 1e-4 on real speech).
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .geometry import CELLS, Floats, Geometry
from .weights import Weights, hann

BLOCK = 32
"""Rows computed at once: enough to be limited by arithmetic, few enough that all scratch (400 KB) stays in cache."""


class Network:
    """Not safe for threads: the scratch is shared by all calls of `infer`."""

    def __init__(self, geometry: Geometry, weights: Weights) -> None:
        self._geometry = geometry
        self._fold_weights(geometry, weights)
        self._make_scratch(geometry)

    def infer(self, signal: Floats, state: Floats) -> Floats:
        """Speech probabilities `[n]` of `signal` (`[n, context + window]`, -1..1); `state` `[2, n, 128]` advances."""
        speech = np.empty(len(signal), np.float32)
        for start in range(0, len(signal), BLOCK):
            rows = slice(start, start + BLOCK)
            encoded = self._encode(signal[rows])
            speech[rows] = self._remember(encoded, state[0, rows], state[1, rows])
        return speech

    def _fold_weights(self, geometry: Geometry, weights: Weights) -> None:
        (first, self._bias1), (second, self._bias2), (third, self._bias3), (fourth, self._bias4) = weights.convolutions
        # With norm="forward" numpy transforms in float32; without, in float64 at five times the cost (2.4). It divides
        # by the length, a power of two, which is made up for here.
        self._hann = hann(geometry.frame) * np.float32(geometry.frame)
        self._first = _taps(first, 0, 3)
        self._second = _taps(second, 0, 3)
        self._third = _taps(third, 1, 3)
        self._fourth = _taps(fourth, 1, 2)
        # sigmoid(x) = (1 + tanh(x / 2)) / 2: with the halves folded in here, one tanh serves all four gates.
        halves = np.full(4 * CELLS, 0.5, np.float32)
        halves[2 * CELLS : 3 * CELLS] = 1.0
        gates = np.concatenate([weights.input_gates, weights.hidden_gates], axis=1).T
        self._gates = np.ascontiguousarray(gates * halves)
        self._gate_bias = weights.gate_bias * halves
        self._output = weights.output * np.float32(0.5)
        self._output_bias = np.float32(weights.output_bias * 0.5)

    def _make_scratch(self, geometry: Geometry) -> None:
        bins, frame = geometry.bins, geometry.frame
        self._padded = np.zeros((BLOCK, geometry.context + geometry.window + frame // 4), np.float32)
        self._frames = sliding_window_view(self._padded, frame, axis=1)[:, :: frame // 2]
        # A column of zeros on both sides of the spectra, and one on the left of the first layer, are the padding of
        # the convolutions; nothing ever writes there.
        self._spectra = np.zeros((BLOCK, 6, bins), np.float32)
        self._hidden1 = np.zeros((BLOCK, 5, 128), np.float32)
        self._columns1 = sliding_window_view(self._spectra.reshape(BLOCK, -1), 3 * bins, axis=1)[:, ::bins]
        self._columns2 = sliding_window_view(self._hidden1.reshape(BLOCK, -1), 3 * 128, axis=1)[:, :: 2 * 128]
        self._features = np.zeros((BLOCK, 2 * CELLS), np.float32)

    def _encode(self, signal: Floats) -> Floats:
        """Signal `[n, context + window]` to `[n, 256]`, of which the left half is filled: the LSTM's input."""
        n, length = signal.shape
        mirrored = self._padded.shape[1] - length
        padded = self._padded[:n]
        padded[:, :length] = signal
        padded[:, length:] = signal[:, -2 : -2 - mirrored : -1]
        np.abs(np.fft.rfft(self._frames[:n] * self._hann, norm="forward"), out=self._spectra[:n, 1:5])

        first = self._columns1[:n].reshape(4 * n, -1) @ self._first
        first += self._bias1
        np.maximum(first.reshape(n, 4, 128), 0, out=self._hidden1[:n, 1:])
        second = self._columns2[:n].reshape(2 * n, -1) @ self._second
        second += self._bias2
        np.maximum(second, 0, out=second)
        third = second.reshape(n, 128) @ self._third
        third += self._bias3
        np.maximum(third, 0, out=third)
        fourth = third @ self._fourth
        fourth += self._bias4
        features = self._features[:n]
        np.maximum(fourth, 0, out=features[:, :CELLS])
        return features

    def _remember(self, features: Floats, hidden: Floats, cell: Floats) -> Floats:
        """One step of the LSTM and the output layer; `hidden` and `cell` (`[n, 128]`) are overwritten."""
        features[:, CELLS:] = hidden
        curves = features @ self._gates
        curves += self._gate_bias
        np.tanh(curves, out=curves)
        opened = curves * np.float32(0.5)
        opened += np.float32(0.5)
        cell *= opened[:, CELLS : 2 * CELLS]
        cell += opened[:, :CELLS] * curves[:, 2 * CELLS : 3 * CELLS]
        np.tanh(cell, out=hidden)
        hidden *= opened[:, 3 * CELLS :]
        speech: Floats = np.tanh(np.maximum(hidden, 0) @ self._output + self._output_bias)
        speech *= np.float32(0.5)
        speech += np.float32(0.5)
        return speech


def _taps(weight: Floats, start: int, stop: int) -> Floats:
    """Convolution weights `[out, in, tap]` to the matrix `[taps * in, out]` that a row of adjoining columns meets."""
    return np.ascontiguousarray(weight[:, :, start:stop].transpose(2, 1, 0).reshape(-1, weight.shape[0]))
