"""What watches a pipeline: checks, dumps of the IR, timing."""
