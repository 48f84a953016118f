"""The local stack: a LiveKit server, offline providers and a scripted person, on this machine alone."""
