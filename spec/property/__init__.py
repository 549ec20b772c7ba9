"""The property language: what a program promises, on which inputs, and what a promise means on one of them."""
