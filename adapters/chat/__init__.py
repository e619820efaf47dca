"""Chats in which a person answers a review."""
