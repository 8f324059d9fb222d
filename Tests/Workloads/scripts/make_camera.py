"""Packs the whole camera stream small enough for the repository: as differences from frame to frame.

    python make_camera.py FULL.npz OUT.npz        # needs numpy

FULL holds `stream` uint8 [2440, 64, 64, 3] (305 frames x 8 zones, frame order, BGR). OUT holds `stream~8`: each tile less
the tile of the same zone one frame before, modulo 256; the first eight as they are. The camera does not move.
"""
import sys

import numpy as np

ZONES = 8


def main(source: str, target: str) -> None:
    stream = np.load(source)["stream"]
    differences = stream.copy()
    differences[ZONES:] = stream[ZONES:] - stream[:-ZONES]
    np.savez_compressed(target, **{f"stream~{ZONES}": differences})


if __name__ == "__main__":
    main(*sys.argv[1:3])
