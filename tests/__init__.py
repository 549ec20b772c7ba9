"""Evidence: unit tests, programs with expected verdicts, golden outputs and slow checks."""
