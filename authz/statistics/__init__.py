"""Monthly figures of what the gateway itself recorded: fixed cells, and nothing that leads to a person.

suppression which cells of a table are withheld, so that no arithmetic brings them back
figures     the tables, counted in one pass over a month of the log
book        months that are closed, each once and for good
"""
