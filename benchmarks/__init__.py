"""What the provider costs, measured beside the other ways to wait for the same jobs; ``make bench`` runs it all."""
