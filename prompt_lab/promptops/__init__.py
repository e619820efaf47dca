"""The PromptOps service: learns from outcomes, tries changes when idle, promotes by evidence."""
