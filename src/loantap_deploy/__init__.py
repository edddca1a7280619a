"""Ship it: images to ECR, a service to ECS, a report to where it is read. Nothing here knows of statistics."""
