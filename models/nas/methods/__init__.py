"""Methods, one a file: ``search(space, evaluate, budget, seed)`` returns a history; budgets count steps."""
