"""The Orchestrator: commands in plain English, planned, priced, judged, approved, done and reported."""
