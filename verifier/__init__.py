"""What can be proved about a RASP program.

Engines that decide a property over every input in a stated scope, the verdicts they may give, lower and upper
bounds on layers and heads with their certificates, and the ways to ask: the command line, reports and Python.
Engines stand on `spec` and never on each other, so that two of them can be compared as independent witnesses.
"""

__version__ = "0.1.0"
