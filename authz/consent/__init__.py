"""Consent: what a person allows one organization to read, signed, counted, and taken back at will.

artefact       what was agreed: immutable, explicit, signed
rules          what may be asked for and agreed to, by stable codes
notice         the words the person is shown before agreeing
signing        canonical JSON, the detached signature, the receipt
states         requested → active ⇄ paused → revoked | used up | rejected; expired by the clock
tables         the store's rows, and every change of them as one conditional statement
register       the acts of a person and of a partner
use            from a claim to a grant, and the counting of its uses
"""
