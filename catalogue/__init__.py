"""What exists: departments, record types, fields, classes, masks, clocks, scenarios, measures.

Data in YAML, its typed model and its lint. Imports nothing of the other packages.
"""
