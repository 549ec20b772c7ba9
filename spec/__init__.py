"""What a RASP program says, what it means, and what it promises.

Source text, syntax, the typed graph that every executor shares, the reference interpreter, properties and
cost models. If two people disagree about a program, the answer is in this package. It imports the standard
library and lark only, so that a certificate can be read and a program can be run without a solver or a tensor
library.
"""
