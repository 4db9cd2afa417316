"""What people concluded after a check, and what came of the measures they took. Never what was found.

states   which step leads a measure from which state to which
tables   the store's rows, and every change of them as one conditional statement
book     outcomes as they are reported, each once
measures the steps of measures, and what an objection suspends
rates    how many of the reported outcomes rest on a check
"""
