"""A file of subjects against a running gateway, from the side of the client (docs/bulk.md).

The file stays here. It is cut into chunks of up to 100 subjects, which any process of the gateway
takes in any order, and which may be sent again. Beside the results lies a journal: job, chunk
numbers, line numbers, and the gateway's own signed summaries; no id, no digest of one, no result.
A chunk is in the journal before it is sent and again after its results are on the disk, so that
after a crash what was under way is sent once more as it was, and results that nobody noted are cut off.
"""
