"""Bounds on layers and heads: exact minima of a program as written, and of any program of a class."""
