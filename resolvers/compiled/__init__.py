"""Printing compiled: one function written for each selection, in place of several calls for each leaf.

tree       what the document selects, with fragments and conditions settled
leaves     an expression for each kind of leaf that checks its value
functions  Python text made into functions, each once
source     the Python text of a plan under one vector of decisions; `query --explain --dump-source` shows it
objects    prints objects of static types, such as checks, and the records in them
printer    runs it over what was read, and says which answers it can print
"""
