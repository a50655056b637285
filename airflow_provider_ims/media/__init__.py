"""The media pages of the API server: what the jobs of a task or of a DAG run have made."""
