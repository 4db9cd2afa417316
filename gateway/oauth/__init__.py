"""The embedded authorization server over HTTP; its tokens, keys and proofs are `authz`'s."""
