"""Must-check (应查必查): facts that bear on one approval, what follows from them by law, and a receipt."""
