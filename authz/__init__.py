"""Who may see what, on which basis, and the proof: tokens, mandates, policy, masks, lifecycle, audit."""
