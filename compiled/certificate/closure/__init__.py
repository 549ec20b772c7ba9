"""A proof that claimed sets of values hold every value, by the interpreter's operators alone."""
