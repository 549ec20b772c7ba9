"""From a request to results: targets, settings, jobs, and the processes in which they run and can be killed."""
