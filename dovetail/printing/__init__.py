"""Programs for people to look at: listings and pictures, which nothing reads back."""
