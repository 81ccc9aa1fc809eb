"""Recipes, one a kind of task: data -> batches -> network -> evidence -> proven graphs."""
