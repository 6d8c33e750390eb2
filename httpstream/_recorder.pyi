# No Python names: the parser uses it in C.
