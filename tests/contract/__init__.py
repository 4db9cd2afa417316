"""What every source promises, whatever its kind: one suite of behaviours over all of them."""
