"""Programs: a function or a network as a graph of operations that runs without its Python code."""
