"""What people read: templates apart from logic, escaped by default."""
