"""Studies of hyper-parameters that a kill does not change."""
