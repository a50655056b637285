"""The media pages of the API server, which show the output of the jobs of a task or of a DAG run."""
