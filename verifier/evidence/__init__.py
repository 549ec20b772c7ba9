"""What stands behind a proof, and what it does not say: who else confirms it, kept proofs, warnings."""
