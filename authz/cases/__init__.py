"""The rights of the person over records: objection, repair, statement, and complaint about a read.

states      which act leads from which state to which, and what it does to the record
clocks      until when each step is due, by the locality's working days
sealed      what a person wrote and which row it is about, encrypted at rest
tables      the store's rows, and every change of them as one conditional statement
overlay     what cases make of records, known to every process before it answers
register    the acts of the person
desk        the acts of the department, the credit office and the auditors
readers     who read a record before it was corrected
clockwork   reminders and escalation, by one process at a time

A case knows its record by a keyed hash, as the audit does, and holds nothing of it.
"""
