"""The lab's database: traces, feedback, review sessions; SQLite or PostgreSQL."""
