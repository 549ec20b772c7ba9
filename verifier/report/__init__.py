"""Results for people and for programs; nothing here decides anything."""
