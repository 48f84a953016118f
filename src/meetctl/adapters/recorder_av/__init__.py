"""Recording a meeting while it runs, and the pictures a model is sent: FFmpeg's codecs through PyAV.

The recorder keeps each track in a Matroska file of its own below `segments/`, complete up to the last
frame at any moment, and joins them into `meeting.mkv` when the meeting is over.
"""
