"""What is measured, with the commands that measure it: `python -m benchmarks NAME`; see `benchmarks/README.md`."""
