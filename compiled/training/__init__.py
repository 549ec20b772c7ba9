"""Transformers that are trained to do what a program does, instead of being constructed.

A trained network has no certificate: what it is worth is measured, on inputs that it was not trained on. Beside a
compiled model of the same program it shows what gradient descent finds where an exact answer is known.

    examples      words in two parts, one held out; values and selected keys from the interpreter
    network       the transformer
    settings      what is asked for
    batch         examples as tensors
    fit           the loop: `train`
    measure       accuracy by length, attention against selectors
    checkpoint    the state of a training in a file
    folder        a finished training as a folder, and back
"""
