"""Use cases, one function each: open the transaction, call core and store."""
