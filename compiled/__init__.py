"""The same RASP program as a transformer whose weights compute it exactly.

Planning which head and which layer compute what, laying values out in the residual stream, building the
weights, and comparing the model with the reference interpreter. This package stands on `spec` and knows
nothing of `verifier`, so that agreement of a compiled model with a proof is evidence and not an echo.
"""
