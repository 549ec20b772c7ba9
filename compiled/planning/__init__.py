"""Which head, unit and dimension computes what: the plan of a transformer, without any tensor."""
