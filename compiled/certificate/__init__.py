"""Why weights are right on every input: the ledger, and a checker that knows nothing of how the plan was made."""
