"""The script stage: the dynamically typed language that runs once and builds the graph.

`values` and `environment` are its data, `naming` is how that data reads, `operations` and `builtins` make graph
nodes of it, `evaluate` and `strict` run syntax on an explicit stack (`machine`) inside a `budget`, for a `host`; a
`session` holds the scopes, and `load` finds other files.
"""
