"""Runs a model and the same model with ramps in ONNX Runtime.

    python run_prepared.py MODEL PREPARED INPUT.npy OUT_DIRECTORY

Fails unless the prepared model gives the original's outputs bit for bit, without and with all its other outputs. Writes these
others to OUT_DIRECTORY as NUMBER.npy, with their names, a line each, in names.txt.
"""
import os
import sys

import numpy as np
import onnxruntime


def session(path: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def main(model: str, prepared: str, path: str, target: str) -> None:
    original, ramps = session(model), session(prepared)
    feed = {original.get_inputs()[0].name: np.load(path)}
    own = [output.name for output in original.get_outputs()]
    others = [output.name for output in ramps.get_outputs() if output.name not in own]
    assert others, "the prepared model has no outputs of ramps"
    wanted = original.run(own, feed)
    for got in (ramps.run(own, feed), ramps.run(own + others, feed)):
        for name, a, b in zip(own, wanted, got):
            assert a.tobytes() == b.tobytes(), f"output {name} is not the original's"
    for number, value in enumerate(ramps.run(others, feed)):
        np.save(os.path.join(target, f"{number}.npy"), value)
    with open(os.path.join(target, "names.txt"), "w") as names:
        names.write("\n".join(others))


if __name__ == "__main__":
    main(*sys.argv[1:5])
