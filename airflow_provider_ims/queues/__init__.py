"""Message queue providers for Airflow's ``MessageQueueTrigger``."""
