"""Which inputs stand for all: changes of symbols and places that a query does not notice."""
