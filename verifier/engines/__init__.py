"""Decision procedures for `verifier.engine.Query`. They never import each other: two of them are two witnesses."""
