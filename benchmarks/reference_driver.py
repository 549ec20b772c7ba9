"""Runs the reference implementation of RASP in a process of its own; started by `benchmarks.interpreter`.

    python reference_driver.py FOLDER        FOLDER holds the package RASP_support

Each line of the standard input is `{"program": text, "name": s-op, "inputs": [text, ...]}`, each line of the standard
output `{"values": [[...], ...], "seconds": [...]}`: the values and the processor time of each evaluation.
"""

import contextlib
import importlib
import io
import json
import os
import sys
import time
from typing import Any


def serve(folder: str) -> None:
    """Answer requests until the input ends."""
    os.chdir(folder)  # the reference finds its library relative to the current folder
    sys.path.insert(0, folder)
    with contextlib.redirect_stdout(io.StringIO()):
        environment = importlib.import_module("RASP_support.Environment").Environment
        repl = importlib.import_module("RASP_support.REPL").REPL()
    loaded: dict[str, Any] = {}
    for line in sys.stdin:
        request = json.loads(line)
        with contextlib.redirect_stdout(io.StringIO()):
            text = request["program"]
            if text not in loaded:
                loaded[text] = environment(name="benchmark", parent_env=repl.base_env)
                repl.run(fromfile=io.StringIO(text), env=loaded[text], store_prints=True)
            sop = loaded[text].get_variable(request["name"])
            values, seconds = [], []
            for word in request["inputs"]:
                start = time.process_time()
                found = sop.call(word, just_pass_exception_up=True)
                seconds.append(time.process_time() - start)
                values.append(found.get_vals())
        print(json.dumps({"values": values, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
