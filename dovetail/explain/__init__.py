"""What the compiler made of a model, and why: collected while it runs, shown as text or a page."""
