"""What engines stand on: words, columns, gates, clauses and formulas for the terms of a query.

It lies beside the engines, not among them, so that no engine has to know another.
"""
