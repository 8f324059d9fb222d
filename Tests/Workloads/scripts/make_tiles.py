"""Cuts the compact tile file of the repository out of the full vtest tile set.

    python make_tiles.py FULL.npz OUT.npz        # needs numpy

FULL holds `bootstrap` uint8 [2000, 64, 64, 3] and `stream` uint8 [2440, 64, 64, 3] (305 frames x 8 zones, BGR).
OUT holds 64 bootstrap tiles and 256 stream tiles (32 frames x 8 zones, frame order), evenly spread, with their labels.
"""
import sys

import numpy as np

BOOTSTRAP_TILES = 64
STREAM_FRAMES = 32


def main(source: str, target: str) -> None:
    full = np.load(source)
    bootstrap = np.linspace(0, len(full["bootstrap"]) - 1, BOOTSTRAP_TILES).astype(int)
    frames = np.unique(full["stream_frame"])
    kept = frames[np.linspace(0, len(frames) - 1, STREAM_FRAMES).astype(int)]
    stream = np.flatnonzero(np.isin(full["stream_frame"], kept))
    np.savez_compressed(
        target,
        bootstrap=full["bootstrap"][bootstrap],
        bootstrap_label=full["bootstrap_label"][bootstrap],
        **{name: full[name][stream] for name in ("stream", "stream_label", "stream_frame", "stream_zone")},
    )


if __name__ == "__main__":
    main(*sys.argv[1:3])
