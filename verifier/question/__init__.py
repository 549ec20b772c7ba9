"""The question: what a program and a property say about all inputs of one length, as closed terms."""
