"""Parts that networks of the zoo are built of."""
