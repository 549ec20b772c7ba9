"""Proofs for every length: programs as functions of letter counts, and counter machines with invariants."""
