"""The host's own Python: files beside a card, classes that it names, encode, collate and decode, rows they refuse."""
