"""Tables to tables: columns, checks, splits, encoders, and the choice of features."""
