"""`make soak`: a county under load whose departments are killed, hung, slowed and restarted at random."""
