"""`python -m benchmarks [NAME] [options of that benchmark]`; without a name, all of them with their defaults."""

import importlib
import sys

NAMES = ("interpreter", "reach", "bounds", "mutants", "compile", "confirm", "enumeration", "bags", "synthesised")


def main(arguments: list[str]) -> int:
    """Run one benchmark with its options, or every benchmark."""
    if arguments and arguments[0] in NAMES:
        return int(importlib.import_module(f"benchmarks.{arguments[0]}").main(arguments[1:]))
    if arguments:
        print(f"usage: python -m benchmarks [{' | '.join(NAMES)}] [options]", file=sys.stderr)
        return 2
    return max(int(importlib.import_module(f"benchmarks.{name}").main([])) for name in NAMES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
