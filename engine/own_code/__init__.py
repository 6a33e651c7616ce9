"""The card's own encode, collate and decode, and the rows they refuse."""
