"""What each s-op and selector of a program can be at each length and place: planner and checker stand on it."""
