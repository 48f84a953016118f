"""Offline providers: one process that speaks the wire protocols of OpenAI, Deepgram, Cartesia and Rime."""
