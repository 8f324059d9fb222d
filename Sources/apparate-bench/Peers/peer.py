"""A peer engine in a process of its own, driven by lines of JSON: one request in, one reply out.

    {"cmd": "load", "peer": "onnxruntime"|"openvino", "model": PATH, "threads": T, "inputs": {NAME: NPY},
     "dimensions": {SYMBOL: SIZE}}
        -> {"seconds": ..., "firstRunMilliseconds": ...}
    {"cmd": "run", "repeat": N}       -> {"milliseconds": [one for each run]}
    {"cmd": "outputs", "directory": D} -> {"files": {NAME: NPY}}
    {"cmd": "memory"}                 -> {"peak": ..., "resident": ..., "baseline": ...}   bytes
    {"cmd": "quit"}                   -> {}

A failed request answers {"error": TEXT}. `baseline` is what the process held before the engine was imported, so that
the interpreter and numpy are not counted against a peer.

Fairness, in the peer's favour where there was a choice: shapes are fixed before the model is compiled; inputs are bound
and outputs left where the engine writes them, so that no run copies them; garbage collection is off while runs are
timed; threads spin as they do by default (the driver waits until they have stopped before another engine is timed).
"""
import faulthandler
import gc
import json
import os
import sys
import time

import numpy as np


class OnnxRuntime:
    def __init__(self, model: str, threads: int, inputs: dict, dimensions: dict):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        for symbol, size in dimensions.items():
            options.add_free_dimension_override_by_name(symbol, size)
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]
        self.binding = self.session.io_binding()
        self.inputs = inputs  # bound by reference: they must outlive the binding
        for name, value in inputs.items():
            self.binding.bind_cpu_input(name, value)
        for name in self.names:
            self.binding.bind_output(name)

    def run(self) -> None:
        self.session.run_with_iobinding(self.binding)

    def outputs(self) -> dict:
        return dict(zip(self.names, self.binding.copy_outputs_to_cpu()))


class OpenVINO:
    def __init__(self, model: str, threads: int, inputs: dict, dimensions: dict):
        import openvino

        core = openvino.Core()
        graph = core.read_model(model)
        graph.reshape({name: list(value.shape) for name, value in inputs.items()})
        compiled = core.compile_model(graph, "CPU", {
            "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32"})
        self.request = compiled.create_infer_request()
        self.inputs = inputs  # shared, not copied: they must outlive the request
        for name, value in inputs.items():
            self.request.set_tensor(name, openvino.Tensor(value, shared_memory=True))
        self.aliases = [sorted(output.get_names()) for output in compiled.outputs]

    def run(self) -> None:
        self.request.infer(share_outputs=True)

    def outputs(self) -> dict:
        """By every name: a value that two nodes name (an Identity, say) is known by both."""
        return {name: self.request.get_output_tensor(place).data
                for place, names in enumerate(self.aliases) for name in names}


PEERS = {"onnxruntime": OnnxRuntime, "openvino": OpenVINO}


def memory() -> dict:
    with open("/proc/self/status") as status:
        lines = dict(line.split(":", 1) for line in status)
    size = lambda key: int(lines[key].split()[0]) * 1024
    return {"peak": size("VmHWM"), "resident": size("VmRSS")}


class Worker:
    def __init__(self):
        self.baseline = memory()["resident"]
        self.engine = None

    def load(self, request: dict) -> dict:
        __import__(request["peer"])  # importing is Python's cost, not the engine's
        inputs = {name: np.ascontiguousarray(np.load(path)) for name, path in request["inputs"].items()}
        started = time.perf_counter()
        self.engine = PEERS[request["peer"]](request["model"], request["threads"], inputs,
                                             request.get("dimensions", {}))
        loaded = time.perf_counter()
        self.engine.run()
        first = time.perf_counter() - loaded
        return {"seconds": loaded - started, "firstRunMilliseconds": first * 1e3}

    def run(self, request: dict) -> dict:
        run, clock, times = self.engine.run, time.perf_counter, []
        gc.disable()
        for _ in range(request["repeat"]):
            started = clock()
            run()
            times.append((clock() - started) * 1e3)
        gc.enable()
        return {"milliseconds": times}

    def outputs(self, request: dict) -> dict:
        files = {}
        for place, (name, value) in enumerate(self.engine.outputs().items()):
            files[name] = os.path.join(request["directory"], f"output-{place}.npy")
            np.save(files[name], np.ascontiguousarray(value))
        return {"files": files}

    def memory(self, request: dict) -> dict:
        return {**memory(), "baseline": self.baseline}

    def quit(self, request: dict) -> dict:
        return {}


def main() -> None:
    faulthandler.enable()  # a crash inside an engine leaves its stack in the log
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not mix with the replies
    worker = Worker()
    commands = {name: getattr(worker, name) for name in ("load", "run", "outputs", "memory", "quit")}
    for line in sys.stdin:
        request = {}
        try:
            request = json.loads(line)
            reply = commands[request["cmd"]](request)
        except Exception as error:  # whatever fails is the driver's to report
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=replies, flush=True)
        if request.get("cmd") == "quit":
            break


if __name__ == "__main__":
    main()
