"""A person made of code: joins a meeting, shares screens, speaks, and listens to the agent's answers."""
