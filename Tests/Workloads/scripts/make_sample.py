"""Writes the sample input of the README: eight stream tiles as `vtest-resnet18.onnx` takes them.

    python make_sample.py vtest-tiles.npz vtest-sample.npy        # needs numpy

OUT is float32 [8, 3, 64, 64]: (x - 127.5) / 64 of the eight zones of one frame, channels first.
"""
import sys

import numpy as np

FRAME = 14


def main(source: str, target: str) -> None:
    tiles = np.load(source)
    frame = np.unique(tiles["stream_frame"])[FRAME]
    images = tiles["stream"][tiles["stream_frame"] == frame].astype(np.float32)
    np.save(target, np.ascontiguousarray(((images - 127.5) / 64).transpose(0, 3, 1, 2), np.float32))


if __name__ == "__main__":
    main(*sys.argv[1:3])
