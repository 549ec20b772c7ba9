"""Checks certificates again, with code of its own: nothing here imports what searched for them, or a solver.

What is trusted: `spec`, which says what programs mean and what a valid schedule is, and the few pages in this package.
"""
