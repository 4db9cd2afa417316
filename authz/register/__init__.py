"""The register of mandates and the switches of scenarios: who changed what, when, why, and with whom.

`events` are the rows, `standing` what follows from them, `acts` makes new ones, and `live` is
the register as a running process knows it.
"""
