"""A plan as numbers: dense weights, their files, and the torch module that reads them."""
