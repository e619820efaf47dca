"""Migrations of the lab's database, run by Alembic when it is opened."""
