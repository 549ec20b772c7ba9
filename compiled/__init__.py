"""The same RASP program as a transformer whose weights compute it exactly.

Planning which head and which layer compute what, laying values out in the residual stream, building the
weights, certifying them, and comparing the model with the reference interpreter. This package stands on `spec` and
knows nothing of `verifier`, so that agreement of a compiled model with a proof is evidence and not an echo.

    compile_program(graph, {"out": sop}, alphabet="abc", max_length=10)   -> Compiled: plan, weights, certificate
    Compiled.model() .save(folder) .explain()         load_model(folder) -> the torch module, weights checked
    check_model(folder, outputs, ...)                 replay the certificate of a folder for a program
    cross_check(compiled)                             the interpreter against the weights
    train(source, name, settings)                     fit a transformer instead of compiling it; load_trained(folder)

Nothing is loaded before it is used: planning needs no torch, running a model needs nothing but torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compiled.compile import Compiled as Compiled
    from compiled.compile import compile_program as compile_program
    from compiled.compile import cross_check as cross_check
    from compiled.errors import BadFile as BadFile
    from compiled.errors import Refused as Refused
    from compiled.errors import Uncertified as Uncertified
    from compiled.export import check_model as check_model
    from compiled.export import load_model as load_model
    from compiled.planning.plan import Arch as Arch
    from compiled.planning.plan import Encoding as Encoding
    from compiled.planning.plan import Optimise as Optimise
    from compiled.planning.plan import Options as Options
    from compiled.training.fit import train as train
    from compiled.training.folder import load_trained as load_trained

_HOME = {
    "Arch": "compiled.planning.plan",
    "BadFile": "compiled.errors",
    "Compiled": "compiled.compile",
    "Encoding": "compiled.planning.plan",
    "Optimise": "compiled.planning.plan",
    "Options": "compiled.planning.plan",
    "Refused": "compiled.errors",
    "Uncertified": "compiled.errors",
    "check_model": "compiled.export",
    "compile_program": "compiled.compile",
    "cross_check": "compiled.compile",
    "load_model": "compiled.export",
    "load_trained": "compiled.training.folder",
    "train": "compiled.training.fit",
}

__all__ = [
    "Arch",
    "BadFile",
    "Compiled",
    "Encoding",
    "Optimise",
    "Options",
    "Refused",
    "Uncertified",
    "check_model",
    "compile_program",
    "cross_check",
    "load_model",
    "load_trained",
    "train",
]


def __getattr__(name: str) -> Any:
    """Load the home of a public name when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module 'compiled' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
