"""The dashboard: a Textual app that is fed views and shows them; it reads no file and opens no connection."""
